// Stock-client calls a connector as MicroCloud's daemon does (contract 1.1): a probe and a call for each heartbeat, over
// connections of their own, with "Host: remote"; it neither reads nor closes the body of a 200. It enrols, reports, leaves,
// and prints what that cost the process: its descriptors and its memory after the first heartbeats and after the last.
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// The join token (contract 1.4).
type token struct {
	Addresses   []string `json:"addresses"`
	ServerName  string   `json:"server_name"`
	Fingerprint string   `json:"fingerprint"`
}

// What the process holds at a time.
type cost struct {
	Heartbeats  int `json:"heartbeats"`
	Descriptors int `json:"descriptors"`
	Goroutines  int `json:"goroutines"`
	RSSBytes    int `json:"rss_bytes"`
}

type client struct {
	host, address, fingerprint string
	certificate                tls.Certificate
}

// After this many heartbeats, whatever the program needs once is there.
const warmUp = 50

func main() {
	heartbeats := flag.Int("heartbeats", 500, "number of heartbeats")
	host := flag.String("host", "remote", "Host header of the calls")
	flag.Parse()
	if err := run(*host, *heartbeats); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Reads the join token from standard input.
func run(host string, heartbeats int) error {
	encoded, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(encoded))
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	var joined token
	if err := json.Unmarshal(decoded, &joined); err != nil {
		return err
	}
	certificate, err := newCertificate()
	if err != nil {
		return err
	}
	c := client{host, joined.Addresses[0], joined.Fingerprint, certificate}
	join, err := json.Marshal(map[string]string{
		"cluster_name":        joined.ServerName,
		"cluster_certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})),
		"token":               text,
	})
	if err != nil {
		return err
	}
	if err := c.exchange("POST", "/1.0/remote-cluster", join); err != nil {
		return err
	}
	report := []byte(`{"cpu_load_1":"0.42","memory_total_amount":1000,"memory_usage":500,` +
		`"member_statuses":[{"status":"Online","count":3}],"instance_statuses":null,"server_metrics":null}`)
	var costs []cost
	for number := 1; number <= heartbeats; number++ {
		if err := c.exchange("POST", "/1.0/remote-cluster/status", report); err != nil {
			return fmt.Errorf("heartbeat %d: %w", number, err)
		}
		if number == warmUp || number == heartbeats {
			held, err := measure(number)
			if err != nil {
				return err
			}
			costs = append(costs, held)
		}
	}
	if err := c.exchange("DELETE", "/1.0/remote-cluster", nil); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(costs)
}

// A probe, the check of the pin, and a call.
func (c client) exchange(method, path string, body []byte) error {
	leaf, err := c.probe()
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(leaf.Raw); !strings.EqualFold(hex.EncodeToString(sum[:]), c.fingerprint) {
		return errors.New("the connector's certificate has another fingerprint")
	}
	return c.call(leaf, method, path, body)
}

func (c client) probe() (*x509.Certificate, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	request, err := http.NewRequest("GET", "https://"+c.address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "LXD 6.5")
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return response.TLS.PeerCertificates[0], nil
}

func (c client) call(leaf *x509.Certificate, method, path string, body []byte) error {
	name, _, err := net.SplitHostPort(c.address)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	config := &tls.Config{RootCAs: roots, ServerName: name, Certificates: []tls.Certificate{c.certificate}}
	transport := &http.Transport{
		DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&tls.Dialer{Config: config}).DialContext(ctx, network, c.address)
		},
	}
	request, err := http.NewRequest(method, "https://"+c.host+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		// The body stays unread and open. That is the point.
		return nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
}

func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{Organization: []string{"LXD"}, CommonName: "root@stock-client"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// What cannot be freed, after the connections that are closing have had a moment to do so.
func measure(heartbeats int) (cost, error) {
	time.Sleep(200 * time.Millisecond)
	runtime.GC()
	debug.FreeOSMemory()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return cost{}, err
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return cost{}, err
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		return cost{}, err
	}
	return cost{heartbeats, len(descriptors), runtime.NumGoroutine(), pages * os.Getpagesize()}, nil
}

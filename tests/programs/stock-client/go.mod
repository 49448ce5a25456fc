module stock-client

go 1.21

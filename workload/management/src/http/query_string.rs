//! Parsing of queries.

use edge::Error;
use percent_encoding::percent_decode_str;

/// The query without the parameter `recursion`, which LXD's clients send with every list (contract section 5). It means
/// nothing here.
pub(crate) fn without_recursion(query: &str) -> String {
    let is_other = |pair: &&str| pair.split('=').next() != Some("recursion");
    query.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

/// The parameters of a query in order, form-decoded.
pub(crate) fn parameters(query: &str) -> Result<Vec<(String, String)>, Error> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, Error> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(String::from).map_err(|_| Error::BadRequest("the query is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recursion_is_left_out_wherever_it_stands() {
        for (query, rest) in [
            ("", ""),
            ("recursion=1", ""),
            ("recursion", ""),
            ("limit=5", "limit=5"),
            ("recursion=2&limit=5", "limit=5"),
            ("limit=5&recursion=", "limit=5"),
            ("search=recursion&recursion=1&sort=name", "search=recursion&sort=name"),
            ("recursions=1", "recursions=1"),
        ] {
            assert_eq!(without_recursion(query), rest, "{query}");
        }
    }

    #[test]
    fn query_is_form_decoded() {
        let pairs = [("search", "a b+c&d=é%"), ("limit", "5"), ("empty", ""), ("alone", "")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let query = "search=a+b%2Bc%26d=%C3%A9%25&limit=5&&empty=&alone";
        assert_eq!(parameters(query).unwrap(), pairs);
        assert!(parameters("").unwrap().is_empty());
        assert!(parameters("search=%ff").is_err());
    }
}

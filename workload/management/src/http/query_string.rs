//! Parsing of queries.

use edge::Error;
use percent_encoding::percent_decode_str;

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
    fn query_is_form_decoded() {
        let pairs = [("search", "a b+c&d=é%"), ("limit", "5"), ("empty", ""), ("alone", "")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let query = "search=a+b%2Bc%26d=%C3%A9%25&limit=5&&empty=&alone";
        assert_eq!(parameters(query).unwrap(), pairs);
        assert!(parameters("").unwrap().is_empty());
        assert!(parameters("search=%ff").is_err());
    }
}

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringViewArray, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ScalarUDF;

use super::scalar::{Prelude, Takes};

/// A function of the views: what other engines call `translate` for, letter by letter.
pub(in crate::query) const LOWER_ASCII: &str = "_lower_ascii";

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![Prelude::udf(LOWER_ASCII, &[Takes::AnyText], |found| found[0].clone(), lower_ascii)]
}

fn lower_ascii(args: &[ArrayRef]) -> Result<ArrayRef> {
    match args[0].data_type() {
        DataType::Utf8View => Ok(lower_views(args[0].as_string_view())),
        DataType::Utf8 => {
            let texts = args[0].as_string::<i32>().iter();
            Ok(Arc::new(texts.map(|text| text.map(str::to_ascii_lowercase)).collect::<StringArray>()))
        }
        other => exec_err!("`{LOWER_ASCII}` takes text, found {other}"),
    }
}

fn lower_views(texts: &StringViewArray) -> ArrayRef {
    let mut lower = StringViewBuilder::with_capacity(texts.len());
    let mut text = String::new();
    for found in texts {
        match found {
            Some(found) if found.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                found.clone_into(&mut text);
                text.make_ascii_lowercase();
                lower.append_value(&text);
            }
            other => lower.append_option(other),
        }
    }
    Arc::new(lower.finish())
}

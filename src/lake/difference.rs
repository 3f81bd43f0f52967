use arrow::datatypes::{DataType, Field, Fields};

/// The first place where columns differ, as a fragment that follows "found" or "with".
pub(super) fn difference(found: &Fields, expected: &Fields) -> String {
    below("", found, expected).unwrap_or_else(|| "other columns".to_owned())
}

fn below(path: &str, found: &Fields, expected: &Fields) -> Option<String> {
    let absent = expected.iter().find(|field| found.find(field.name()).is_none());
    if let Some(field) = absent {
        return Some(format!("no column `{path}{}`", field.name()));
    }
    let unknown = found.iter().find(|field| expected.find(field.name()).is_none());
    if let Some(field) = unknown {
        return Some(format!("the unknown column `{path}{}`", field.name()));
    }
    for (found, expected) in found.iter().zip(expected) {
        if found.name() != expected.name() {
            return Some(format!("column `{path}{}` in the place of `{path}{}`", found.name(), expected.name()));
        }
        if found != expected {
            return Some(of_field(&format!("{path}{}", expected.name()), found, expected));
        }
    }
    (found.len() != expected.len()).then(|| format!("{} columns below `{path}`", found.len()))
}

fn of_field(path: &str, found: &Field, expected: &Field) -> String {
    let nested = match (found.data_type(), expected.data_type()) {
        (DataType::Struct(found), DataType::Struct(expected)) => below(&format!("{path}."), found, expected),
        (DataType::List(found), DataType::List(expected)) if found != expected => {
            Some(of_field(&format!("{path}.{}", expected.name()), found, expected))
        }
        _ => None,
    };
    nested.unwrap_or_else(|| match (found.data_type(), expected.data_type()) {
        (is, should) if is != should => format!("`{path}` as {is}, not {should}"),
        _ if found.is_nullable() && !expected.is_nullable() => format!("`{path}` that may be null"),
        _ if expected.is_nullable() && !found.is_nullable() => format!("`{path}` that may not be null"),
        _ => format!("other metadata of `{path}`"),
    })
}

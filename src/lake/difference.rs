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
    nested.unwrap_or_else(|| {
        let nulls = |field: &Field| if field.is_nullable() { "with nulls" } else { "without nulls" };
        let (is, should) = (found.data_type(), expected.data_type());
        if is == should {
            return format!("`{path}` {} and other marks", nulls(found));
        }
        format!("`{path}` as {is}, not {should}")
    })
}

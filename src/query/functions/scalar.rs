use std::fmt;
use std::hash::{Hash, Hasher};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

/// What a parameter of a function takes; the engine casts arguments to what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Takes {
    /// A timestamp of any unit, with a zone or without (then as it reads), or a date (its midnight).
    Time,
    Text,
    /// Text in whichever form it comes.
    AnyText,
    Integer,
}

/// A pure function of the prelude. Its arguments come as arrays of one length, nulls included; but where it
/// `keeps_constants`, one that is the same for all rows has one row.
pub(super) struct Prelude {
    pub(super) name: &'static str,
    pub(super) takes: &'static [Takes],
    /// The result's type, by the types of the arguments after their casts.
    pub(super) returns: fn(&[DataType]) -> DataType,
    pub(super) call: fn(&[ArrayRef]) -> Result<ArrayRef>,
    pub(super) keeps_constants: bool,
    pub(super) signature: Signature,
}

impl Prelude {
    pub(super) fn udf(
        name: &'static str,
        takes: &'static [Takes],
        returns: fn(&[DataType]) -> DataType,
        call: fn(&[ArrayRef]) -> Result<ArrayRef>,
    ) -> ScalarUDF {
        ScalarUDF::new_from_impl(Self::of(name, takes, returns, call))
    }

    /// A function whose first argument has all rows, and each other one all of them or one.
    pub(super) fn udf_keeping_constants(
        name: &'static str,
        takes: &'static [Takes],
        returns: fn(&[DataType]) -> DataType,
        call: fn(&[ArrayRef]) -> Result<ArrayRef>,
    ) -> ScalarUDF {
        ScalarUDF::new_from_impl(Self { keeps_constants: true, ..Self::of(name, takes, returns, call) })
    }

    fn of(
        name: &'static str,
        takes: &'static [Takes],
        returns: fn(&[DataType]) -> DataType,
        call: fn(&[ArrayRef]) -> Result<ArrayRef>,
    ) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { name, takes, returns, call, keeps_constants: false, signature }
    }
}

impl Takes {
    fn cast(self, found: &DataType) -> Option<DataType> {
        use arrow::datatypes::TimeUnit::Microsecond;
        match (self, found) {
            (Self::Time, DataType::Timestamp(_, zone)) => {
                Some(DataType::Timestamp(Microsecond, zone.as_ref().map(|_| "UTC".into())))
            }
            (Self::Time, DataType::Null | DataType::Date32 | DataType::Date64) => {
                Some(DataType::Timestamp(Microsecond, None))
            }
            (Self::Text, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null) => {
                Some(DataType::Utf8)
            }
            (Self::AnyText, DataType::Utf8 | DataType::Utf8View) => Some(found.clone()),
            (Self::AnyText, DataType::LargeUtf8 | DataType::Null) => Some(DataType::Utf8),
            (Self::Integer, found) if found.is_integer() || found.is_null() => Some(DataType::Int64),
            _ => None,
        }
    }

    fn named(self) -> &'static str {
        match self {
            Self::Time => "a timestamp or date",
            Self::Text | Self::AnyText => "text",
            Self::Integer => "an integer",
        }
    }
}

impl ScalarUDFImpl for Prelude {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, found: &[DataType]) -> Result<Vec<DataType>> {
        if found.len() != self.takes.len() {
            return plan_err!("`{}` takes {} arguments, found {}", self.name, self.takes.len(), found.len());
        }
        let cast = |(at, (takes, found)): (usize, (&Takes, &DataType))| {
            let expected = takes.named();
            takes.cast(found).ok_or_else(|| {
                plan_datafusion_err!("argument {} of `{}`: expected {expected}, found {found}", at + 1, self.name)
            })
        };
        self.takes.iter().zip(found).enumerate().map(cast).collect()
    }

    fn return_type(&self, found: &[DataType]) -> Result<DataType> {
        Ok((self.returns)(found))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let array = |(at, value): (usize, ColumnarValue)| {
            let one = self.keeps_constants && at > 0 && matches!(value, ColumnarValue::Scalar(_));
            value.into_array(if one { 1 } else { rows })
        };
        let arrays: Vec<ArrayRef> = args.args.into_iter().enumerate().map(array).collect::<Result<_>>()?;
        let result = (self.call)(&arrays)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

impl fmt::Debug for Prelude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prelude").field("name", &self.name).field("takes", &self.takes).finish_non_exhaustive()
    }
}

/// A name stands for one function: two of one name are the same.
impl PartialEq for Prelude {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Prelude {}

impl Hash for Prelude {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

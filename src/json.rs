//! Reading our own types back from the JSON that serde wrote of them. serde's own way back is a quarter of the
//! script: code for each type, each field and each way in which JSON can be wrong. What is read here we wrote
//! ourselves, and `tests/stored.rs` pins it.

use serde_json::Value;
use thiserror::Error;

/// What could not be read: a member's or a type's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} is missing or malformed")]
pub struct Unreadable(pub &'static str);

pub type Read<T> = Result<T, Unreadable>;

/// A type that can be read from a value; [`from_json!`](crate::from_json) implements it.
pub trait FromJson: Sized {
    /// # Errors
    /// [`Unreadable`].
    fn from_json(json: Value) -> Read<Self>;
}

/// # Errors
/// When the text is not JSON, or not of that type.
pub fn read<T: FromJson>(text: &str) -> Read<T> {
    T::from_json(serde_json::from_str(text).map_err(|_| Unreadable("JSON"))?)
}

/// Implements [`FromJson`] for a struct by its members, with those that older versions did not have behind
/// `or default`; for an enum by its variants' names; for a newtype by what it wraps. What a variant holds alone
/// must not be written as a list.
#[macro_export]
macro_rules! from_json {
    (struct $name:ident { $($member:ident),* $(,)? } $(or default { $($new:ident),* $(,)? })?) => {
        impl $crate::json::FromJson for $name {
            fn from_json(json: serde_json::Value) -> $crate::json::Read<Self> {
                let mut held = $crate::json::Held::of(json);
                Ok(Self {
                    $($member: held.member(stringify!($member))?,)*
                    $($($new: held.new_member(stringify!($new))?,)*)?
                })
            }
        }
    };
    (enum $name:ident {
        $($text:literal => $variant:ident $(($($item:ident),*))? $({ $($member:ident),* $(,)? })?),* $(,)?
    }) => {
        impl $crate::json::FromJson for $name {
            #[allow(unused_mut, unused_variables, clippy::allow_attributes, reason = "of plain variants")]
            fn from_json(json: serde_json::Value) -> $crate::json::Read<Self> {
                let (name, mut held) = $crate::json::variant(json)?;
                match name.as_str() {
                    $($text => Ok(Self::$variant
                        $(($(held.item(stringify!($item))?),*))?
                        $({ $($member: held.member(stringify!($member))?),* })?
                    ),)*
                    _ => Err($crate::json::Unreadable(stringify!($name))),
                }
            }
        }
    };
    ($name:ident($wrapped:ident)) => {
        impl $crate::json::FromJson for $name {
            fn from_json($wrapped: serde_json::Value) -> $crate::json::Read<Self> {
                $crate::json::FromJson::from_json($wrapped).map(Self)
            }
        }
    };
}

/// What an object, a list or a variant holds, taken out piece by piece.
pub struct Held(Value);

impl Held {
    #[must_use]
    pub const fn of(json: Value) -> Self {
        Self(json)
    }

    /// # Errors
    /// When there is no such member, or not of that type; one that may be null may be missing too.
    pub fn member<T: FromJson>(&mut self, name: &'static str) -> Read<T> {
        T::from_json(self.take(name).unwrap_or_default()).map_err(|_| Unreadable(name))
    }

    /// # Errors
    /// When there is such a member, and it is not of that type.
    pub fn new_member<T: FromJson + Default>(&mut self, name: &'static str) -> Read<T> {
        self.take(name).map_or_else(|| Ok(T::default()), T::from_json).map_err(|_| Unreadable(name))
    }

    /// The next of several, or the only one.
    ///
    /// # Errors
    /// When there is none, or not of that type.
    pub fn item<T: FromJson>(&mut self, name: &'static str) -> Read<T> {
        let item = match &mut self.0 {
            Value::Array(items) if !items.is_empty() => items.remove(0),
            other => other.take(),
        };
        T::from_json(item).map_err(|_| Unreadable(name))
    }

    /// Left as null: taking it out would bring the code that rebalances a map.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take)
    }
}

/// The name of an enum's variant, and what it holds.
///
/// # Errors
/// When it is none.
pub fn variant(mut json: Value) -> Read<(String, Held)> {
    if let Value::String(name) = json {
        return Ok((name, Held(Value::Null)));
    }
    let member = json.as_object_mut().and_then(|members| members.iter_mut().next());
    member.map(|(name, held)| (name.clone(), Held(held.take()))).ok_or(Unreadable("a variant"))
}

impl FromJson for String {
    fn from_json(json: Value) -> Read<Self> {
        match json {
            Value::String(text) => Ok(text),
            _ => Err(Unreadable("a text")),
        }
    }
}

impl FromJson for bool {
    fn from_json(json: Value) -> Read<Self> {
        json.as_bool().ok_or(Unreadable("true or false"))
    }
}

impl FromJson for i64 {
    fn from_json(json: Value) -> Read<Self> {
        json.as_i64().ok_or(Unreadable("a number"))
    }
}

impl FromJson for u64 {
    fn from_json(json: Value) -> Read<Self> {
        json.as_u64().ok_or(Unreadable("a number"))
    }
}

impl FromJson for u32 {
    fn from_json(json: Value) -> Read<Self> {
        u64::from_json(json)?.try_into().map_err(|_| Unreadable("a number"))
    }
}

impl FromJson for u16 {
    fn from_json(json: Value) -> Read<Self> {
        u64::from_json(json)?.try_into().map_err(|_| Unreadable("a number"))
    }
}

impl FromJson for u8 {
    fn from_json(json: Value) -> Read<Self> {
        u64::from_json(json)?.try_into().map_err(|_| Unreadable("a number"))
    }
}

/// As it is.
impl FromJson for Value {
    fn from_json(json: Value) -> Read<Self> {
        Ok(json)
    }
}

/// Whatever it is.
impl FromJson for () {
    fn from_json(_: Value) -> Read<Self> {
        Ok(())
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(json: Value) -> Read<Self> {
        T::from_json(json).map(Self::new)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: Value) -> Read<Self> {
        if json.is_null() { Ok(None) } else { T::from_json(json).map(Some) }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: Value) -> Read<Self> {
        match json {
            Value::Array(items) => items.into_iter().map(T::from_json).collect(),
            _ => Err(Unreadable("a list")),
        }
    }
}

impl<A: FromJson, B: FromJson> FromJson for (A, B) {
    fn from_json(json: Value) -> Read<Self> {
        let mut held = Held(json);
        Ok((held.item("the first of two")?, held.item("the second of two")?))
    }
}

impl<T: FromJson, E: FromJson> FromJson for Result<T, E> {
    fn from_json(json: Value) -> Read<Self> {
        // What it holds may be a list.
        match variant(json)? {
            (name, Held(value)) if name == "Ok" => T::from_json(value).map(Ok),
            (_, Held(error)) => E::from_json(error).map(Err),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize)]
    struct Point {
        x: u8,
        name: Option<String>,
        seen: Vec<(u32, bool)>,
        #[serde(skip_serializing_if = "Option::is_none")]
        new: Option<u64>,
    }
    from_json!(struct Point { x, name, seen } or default { new });

    #[derive(Debug, PartialEq, Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        None,
        At(Point),
        Maybe(Option<u8>),
        Line(i64, Point, Option<u8>),
        Named { name: String, is_big: bool },
        Tried(Result<u8, String>),
    }
    from_json!(enum Shape {
        "none" => None,
        "at" => At(point),
        "maybe" => Maybe(number),
        "line" => Line(from, to, width),
        "named" => Named { name, is_big },
        "tried" => Tried(result),
    });

    #[test]
    fn what_serde_wrote_is_read() {
        let point = || Point { x: 1, name: None, seen: vec![(7, true), (8, false)], new: Some(u64::MAX) };
        for shape in [
            Shape::None,
            Shape::At(point()),
            Shape::Maybe(None),
            Shape::Maybe(Some(3)),
            Shape::Line(-5, point(), None),
            Shape::Named { name: "a".to_owned(), is_big: true },
            Shape::Tried(Ok(1)),
            Shape::Tried(Err("no".to_owned())),
        ] {
            let text = serde_json::to_string(&shape).unwrap();
            assert_eq!(read::<Shape>(&text), Ok(shape), "{text}");
        }
    }

    #[test]
    fn a_result_may_hold_a_list() {
        assert_eq!(read(r#"{"Ok":[1,2]}"#), Ok(Ok::<(u8, u8), String>((1, 2))));
        assert_eq!(read(r#"{"Err":["a"]}"#), Ok(Err::<u8, Vec<String>>(vec!["a".to_owned()])));
    }

    #[test]
    fn what_is_missing_is_null_or_new_or_wrong() {
        assert_eq!(read(r#"{"x":1,"seen":[]}"#), Ok(Point { x: 1, ..Point::default() }));
        assert_eq!(read::<Point>(r#"{"x":1}"#), Err(Unreadable("seen")));
        assert_eq!(read::<Point>(r#"{"x":256,"seen":[]}"#), Err(Unreadable("x")));
        assert_eq!(read::<Point>(r#"{"x":1,"seen":[],"new":"x"}"#), Err(Unreadable("new")));
        assert_eq!(read::<Shape>(r#""round""#), Err(Unreadable("Shape")));
        assert_eq!(read::<Shape>(r#"{"line":[1]}"#), Err(Unreadable("to")));
        assert_eq!(read::<Shape>("{"), Err(Unreadable("JSON")));
    }
}

//! Arrays of any length as sequences, because serde's derive supports only some lengths.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Serializes all `N` elements; for `serde(with)` on a field.
pub(crate) fn serialize<T: Serialize, S: Serializer, const N: usize>(
    array: &[T; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    array.as_slice().serialize(serializer)
}

/// Deserializes exactly `N` elements.
pub(crate) fn deserialize<'de, T, D, const N: usize>(deserializer: D) -> Result<[T; N], D::Error>
where
    T: Deserialize<'de> + Copy + Default,
    D: Deserializer<'de>,
{
    let List { items, len } = List::deserialize(deserializer)?;
    if len == N { Ok(items) } else { Err(D::Error::invalid_length(len, &Elements("exactly", N))) }
}

/// At most `N` elements; the rest of `items` has the default value.
#[derive(Clone, Copy)]
pub(crate) struct List<T, const N: usize> {
    pub(crate) items: [T; N],
    pub(crate) len: usize,
}

impl<T: Serialize, const N: usize> Serialize for List<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.get(..self.len).unwrap_or_default().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + Copy + Default, const N: usize> Deserialize<'de> for List<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Self { items: [T::default(); N], len: 0 };
        each(deserializer, N, |item| {
            if let Some(free) = list.items.get_mut(list.len) {
                *free = item;
                list.len = list.len.saturating_add(1);
            }
            Ok(())
        })?;
        Ok(list)
    }
}

/// Passes every element of a sequence to `take`: at most `most`, and none after an error.
pub(crate) fn each<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    most: usize,
    take: impl FnMut(T) -> Result<(), &'static str>,
) -> Result<(), D::Error> {
    deserializer.deserialize_seq(Each { most, take, item: PhantomData })
}

struct Each<T, F> {
    most: usize,
    take: F,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), &'static str>> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Elements("at most", self.most), f)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        let mut len = 0_usize;
        while let Some(item) = sequence.next_element()? {
            len = len.saturating_add(1);
            if len > self.most {
                return Err(A::Error::invalid_length(len, &self));
            }
            (self.take)(item).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// What the error message says was expected.
struct Elements(&'static str, usize);

impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} elements", self.0, self.1)
    }
}

impl serde::de::Expected for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

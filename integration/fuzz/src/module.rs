//! Descriptors of modules: tables in memory, with pointers into it, out of it and to nothing, through the check that
//! stands before every load. The check may read nothing that its probe has not allowed, and decides as a second check
//! does that follows offsets instead of pointers.
//!
//! An input is two bytes, the offset of the descriptor, and an image of memory. Eight bytes of it whose upper half is
//! [`POINTER`] stand for the address that many bytes behind the image's start, its lower half taken as signed.

use crate::arena::{Arena, Place};
use faas_abi::host::{CheckedModule, Needs};
use faas_abi::tables::{Function, Layer, Module, Table};
use faas_abi::{F_MAY_BLOCK, F_STREAM_OUT, MAGIC, MAJOR, MINOR};
use std::cell::RefCell;
use std::mem::{offset_of, size_of};

/// The mark of a word that is an address.
const POINTER: u64 = 0xfaa5_0000;
const FEATURES: u64 = F_MAY_BLOCK | F_STREAM_OUT;
const LARGEST: usize = 16 << 10;

thread_local! {
    static ARENA: RefCell<Arena> = RefCell::new(Arena::new(LARGEST));
}

/// Reads the descriptor, with the image at either end of guarded memory.
pub fn check(input: &[u8]) {
    let Some((offset, image)) = input.split_first_chunk::<2>() else { return };
    let offset = usize::from(u16::from_le_bytes(*offset));
    if image.len() > LARGEST {
        return;
    }
    ARENA.with_borrow_mut(|arena| {
        for place in [Place::Start, Place::End] {
            let base = arena.address(place, image.len());
            let image = placed(image, base);
            arena.fill(place, &image);
            let module = base.wrapping_add(offset);
            let inside = |from: *const u8, length: usize| {
                from.addr().checked_sub(base.addr()).is_some_and(|at| at + length <= image.len())
            };
            // SAFETY: the probe accepts nothing but the image, which stays until the next fill, long after the result
            // is gone; no function in the tables is called.
            let read = unsafe { CheckedModule::read(module.cast(), Needs { features: FEATURES }, &inside) };
            let expected = Image { base: base.addr(), bytes: &image }.module(offset);
            match (read, expected) {
                (Ok(read), Some(expected)) => assert_eq!(Offer::of(&read), expected),
                (Err(faults), None) => assert!(faults.iter().all(|fault| !fault.is_empty()) && !faults.is_empty()),
                (Ok(read), None) => panic!("{place:?}: only the check accepts {read:?}"),
                (Err(faults), Some(expected)) => panic!("{place:?}: only the check refuses {expected:?}: {faults:?}"),
            }
        }
    });
}

/// Returns the image with its pointers made for that address. They may stand anywhere, so that misaligned tables have
/// some too.
fn placed(image: &[u8], base: *const u8) -> Vec<u8> {
    let mut placed = image.to_vec();
    let mut rest = placed.as_mut_slice();
    while let Some((word, _)) = rest.split_first_chunk_mut::<8>() {
        let value = u64::from_le_bytes(*word);
        if value >> 32 == POINTER {
            let offset = value as u32 as i32;
            *word = base.wrapping_offset(offset as isize).addr().to_le_bytes();
            rest = &mut rest[8..];
        } else {
            rest = &mut rest[1..];
        }
    }
    placed
}

/// The entries that a module offers, as far as they can be seen.
#[derive(Debug, PartialEq, Eq)]
struct Offer {
    texts: [String; 3],
    functions: Vec<(String, String, bool, bool)>,
    layers: Vec<(String, bool)>,
}

impl Offer {
    fn of(read: &CheckedModule) -> Offer {
        let function = |entry: &faas_abi::host::FunctionEntry| {
            (entry.name.clone(), entry.triggers.clone(), entry.aborts(), entry.is_default())
        };
        Offer {
            texts: [read.name.clone(), read.version.clone(), read.built_with.clone()],
            functions: read.functions.iter().map(function).collect(),
            layers: read.layers.iter().map(|entry| (entry.name.clone(), entry.aborts())).collect(),
        }
    }
}

/// The second check: the rules of `faas.h` over offsets into bytes. `None` refuses.
struct Image<'a> {
    base: usize,
    bytes: &'a [u8],
}

impl Image<'_> {
    fn module(&self, offset: usize) -> Option<Offer> {
        let start = self.base + offset;
        let (_, magic) = (self.aligned(start)?, self.number::<8>(start + offset_of!(Module, magic))?);
        let major = self.number::<4>(start + offset_of!(Module, major))?;
        let table = self.table::<Module>(start)?;
        let at = |member: usize| table + member;
        let min_minor = self.number::<4>(at(offset_of!(Module, min_minor)))?;
        if magic != MAGIC || major != u64::from(MAJOR) || min_minor > u64::from(MINOR) {
            return None;
        }
        let texts = [
            self.text(at(offset_of!(Module, name)))?,
            self.text(at(offset_of!(Module, version)))?,
            self.text(at(offset_of!(Module, built_with)))?,
        ];
        if !self.text(at(offset_of!(Module, refusal)))?.is_empty() {
            return None;
        }
        let functions = self.tables(at(offset_of!(Module, functions)), at(offset_of!(Module, function_count)))?;
        let layers = self.tables(at(offset_of!(Module, layers)), at(offset_of!(Module, layer_count)))?;
        if functions.is_empty() && layers.is_empty() {
            return None;
        }
        Some(Offer {
            texts,
            functions: functions.into_iter().map(|table| self.function(table)).collect::<Option<_>>()?,
            layers: layers.into_iter().map(|table| self.layer(table)).collect::<Option<_>>()?,
        })
    }

    fn function(&self, start: usize) -> Option<(String, String, bool, bool)> {
        let table = self.table::<Function>(start)?;
        let name = self.name(table + offset_of!(Function, name))?;
        let triggers = self.text(table + offset_of!(Function, triggers))?;
        self.needs(table + offset_of!(Function, needs))?;
        self.present(table + offset_of!(Function, create))?;
        self.present(table + offset_of!(Function, invoke))?;
        let flags = self.number::<4>(table + offset_of!(Function, flags))?;
        Some((name, triggers, flags & 8 != 0, flags & 16 != 0))
    }

    fn layer(&self, start: usize) -> Option<(String, bool)> {
        let table = self.table::<Layer>(start)?;
        let name = self.name(table + offset_of!(Layer, name))?;
        self.needs(table + offset_of!(Layer, needs))?;
        self.present(table + offset_of!(Layer, create))?;
        Some((name, self.number::<4>(table + offset_of!(Layer, flags))? & 8 != 0))
    }

    /// Returns the bytes at an address; `None` if not all of them are the image's.
    fn range(&self, address: usize, length: usize) -> Option<&[u8]> {
        let start = address.checked_sub(self.base)?;
        self.bytes.get(start..start.checked_add(length)?)
    }

    fn number<const N: usize>(&self, address: usize) -> Option<u64> {
        let bytes = self.range(address, N)?;
        Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn aligned(&self, address: usize) -> Option<usize> {
        address.is_multiple_of(8).then_some(address)
    }

    /// Returns the address of a table, if it is one of at least the first minor's size, and all there.
    fn table<T: Table>(&self, address: usize) -> Option<usize> {
        let size = usize::try_from(self.number::<8>(self.aligned(address)?)?).ok()?;
        (size >= T::FIRST_SIZE).then_some(())?;
        // A table may be larger than any that is known, not without bound: that many bytes have to be there.
        self.range(address, size.min(1 << 16))?;
        Some(address)
    }

    fn tables(&self, array: usize, count: usize) -> Option<Vec<usize>> {
        let (array, count) = (self.number::<8>(array)? as usize, self.number::<8>(count)? as usize);
        if count == 0 {
            return Some(Vec::new());
        }
        (count <= 4096).then_some(())?;
        let array = self.aligned(array)?;
        (0..count).map(|index| self.number::<8>(array + 8 * index).map(|table| table as usize)).collect()
    }

    fn text(&self, member: usize) -> Option<String> {
        let (start, length) = (self.number::<8>(member)? as usize, self.number::<8>(member + 8)? as usize);
        if length == 0 {
            return Some(String::new());
        }
        (length <= 1 << 20).then_some(())?;
        String::from_utf8(self.range(start, length)?.to_vec()).ok()
    }

    fn name(&self, member: usize) -> Option<String> {
        self.text(member).filter(|name| !name.is_empty())
    }

    fn needs(&self, member: usize) -> Option<()> {
        (self.number::<8>(member)? & !FEATURES == 0).then_some(())
    }

    fn present(&self, member: usize) -> Option<()> {
        (self.number::<8>(member)? != 0).then_some(())
    }
}

const _: () = assert!(size_of::<usize>() == 8 && cfg!(target_endian = "little"));

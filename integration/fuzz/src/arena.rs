//! Memory whose ends are guarded: a read before its first or behind its last byte ends the process.

use std::ptr;

/// The page size that the guards are made for; larger pages only make them larger.
const PAGE: usize = 64 << 10;

/// One stretch of memory between two that nobody may touch. It lives as long as the process.
pub struct Arena {
    first: *mut u8,
    room: usize,
}

/// The place of an image in the arena.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// It begins where the arena begins.
    Start,
    /// It ends where the arena ends.
    End,
}

impl Arena {
    /// Returns an arena with room for `room` bytes, rounded up to whole pages.
    pub fn new(room: usize) -> Arena {
        let room = room.next_multiple_of(PAGE);
        // SAFETY: a fresh anonymous mapping, at an address of the system's choice.
        let map = unsafe {
            libc::mmap(
                ptr::null_mut(),
                room + 2 * PAGE,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        assert_ne!(map, libc::MAP_FAILED, "mmap failed");
        let first = map.cast::<u8>().wrapping_add(PAGE);
        // SAFETY: the middle of the mapping made just now, which nothing else knows of.
        let opened = unsafe { libc::mprotect(first.cast(), room, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(opened, 0, "mprotect failed");
        Arena { first, room }
    }

    /// Returns the number of bytes there is room for.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Returns the address that an image of `length` bytes has at that place.
    pub fn address(&self, place: Place, length: usize) -> *const u8 {
        assert!(length <= self.room);
        match place {
            Place::Start => self.first,
            Place::End => self.first.wrapping_add(self.room - length),
        }
    }

    /// Puts an image at that place.
    pub fn fill(&mut self, place: Place, image: &[u8]) {
        let to = self.address(place, image.len()).cast_mut();
        // SAFETY: `address` gives a place inside the opened part with room for the image, and `&mut self` is the only
        // user.
        unsafe { ptr::copy_nonoverlapping(image.as_ptr(), to, image.len()) };
    }
}

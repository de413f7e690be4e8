//! The guide's "Memory Management".

use std::alloc::{alloc, dealloc, Layout};
use std::ptr;

// Custom allocator for WASM
pub struct WasmAllocator {
    allocated: usize,
    max_allocated: usize,
    allocation_count: usize,
}

impl WasmAllocator {
    pub const fn new() -> Self {
        Self {
            allocated: 0,
            max_allocated: 0,
            allocation_count: 0,
        }
    }

    pub fn allocate(&mut self, size: usize, align: usize) -> *mut u8 {
        let layout = Layout::from_size_align(size, align).unwrap();
        let ptr = unsafe { alloc(layout) };

        if !ptr.is_null() {
            self.allocated += size;
            self.allocation_count += 1;
            if self.allocated > self.max_allocated {
                self.max_allocated = self.allocated;
            }
        }

        ptr
    }

    pub fn deallocate(&mut self, ptr: *mut u8, size: usize, align: usize) {
        let layout = Layout::from_size_align(size, align).unwrap();
        unsafe { dealloc(ptr, layout) };

        self.allocated -= size;
    }

    pub fn stats(&self) -> AllocationStats {
        AllocationStats {
            current_allocated: self.allocated,
            max_allocated: self.max_allocated,
            allocation_count: self.allocation_count,
        }
    }
}

// Use stack allocation for small, short-lived data
pub fn process_small_message(data: &[u8]) -> Vec<u8> {
    const STACK_SIZE: usize = 1024;

    if data.len() <= STACK_SIZE {
        // Use stack allocation
        let mut stack_buffer = [0u8; STACK_SIZE];
        let result_len = process_in_place(&mut stack_buffer[..data.len()]);
        stack_buffer[..result_len].to_vec()
    } else {
        // Fall back to heap allocation
        let mut heap_buffer = data.to_vec();
        let result_len = process_in_place(&mut heap_buffer);
        heap_buffer.truncate(result_len);
        heap_buffer
    }
}

// Missing lines of the guide.

pub struct AllocationStats {
    pub current_allocated: usize,
    pub max_allocated: usize,
    pub allocation_count: usize,
}

fn process_in_place(data: &mut [u8]) -> usize {
    data.make_ascii_uppercase();
    data.len()
}

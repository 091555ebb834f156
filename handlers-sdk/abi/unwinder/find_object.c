/* The unwinder of GCC 12 and later asks glibc's `_dl_find_object` which object an address lies in. That function came with
 * glibc 2.35, and a reference to it would keep a program from starting on an older system, Amazon Linux 2023 among them.
 * This is the same answer from `dl_iterate_phdr`, which every glibc has. It is linked beside the unwinder, and nothing
 * outside of that program or library sees it. */
#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>
#include <stdint.h>

/* `struct dl_find_object` of glibc's <dlfcn.h>, on machines of 64 bits. */
struct found {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    struct link_map *link_map;
    void *eh_frame;
    unsigned long long reserved[7];
};

struct search {
    uintptr_t address;
    struct found *found;
};

static int look_into(struct dl_phdr_info *object, size_t size, void *data)
{
    const struct search *search = data;
    const ElfW(Phdr) *holds = NULL, *frames = NULL;
    (void)size;
    for (ElfW(Half) i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[i];
        /* An address below the segment wraps round and is too large, too. */
        if (header->p_type == PT_LOAD && search->address - (object->dlpi_addr + header->p_vaddr) < header->p_memsz)
            holds = header;
        else if (header->p_type == PT_GNU_EH_FRAME)
            frames = header;
    }
    if (!holds)
        return 0;
    if (!frames)
        return -1;
    uintptr_t start = object->dlpi_addr + holds->p_vaddr;
    *search->found = (struct found){
        .map_start = (void *)start,
        .map_end = (void *)(start + holds->p_memsz),
        .eh_frame = (void *)(object->dlpi_addr + frames->p_vaddr),
    };
    return 1;
}

/* Under a name of its own in C, since newer headers declare the other one. */
__attribute__((visibility("hidden"))) int find_object(void *address, struct found *found) __asm__("_dl_find_object");

int find_object(void *address, struct found *found)
{
    struct search search = {(uintptr_t)address, found};
    return dl_iterate_phdr(look_into, &search) == 1 ? 0 : -1;
}

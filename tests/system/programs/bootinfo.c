/* Prints the bootinfo, a field a line, and writes to the lowest general memory, which lies where boot's code was. */
#include <pith.h>

#define UNMAPPED 0x40000000 /* a gigabyte up: tables are needed on the way */

static void print_field(const char *name, pith_word value)
{
    pith_print(name);
    pith_print(" ");
    pith_print_number(value);
    pith_print("\n");
}

static void print_slots(const char *name, struct pith_slot_region region)
{
    pith_print(name);
    pith_print(" ");
    pith_print_number(region.start);
    pith_print(" ");
    pith_print_number(region.end);
    pith_print("\n");
}

static void print_untyped(const struct pith_untyped_description *untyped)
{
    pith_print("untyped ");
    pith_print_number(untyped->physical_address);
    pith_print(" ");
    pith_print_number(untyped->size_bits);
    pith_print(untyped->is_device ? " device\n" : " general\n");
}

static pith_word create(pith_cptr untyped, pith_word type, pith_cptr slot)
{
    return pith_untyped_retype(untyped, type, 0, PITH_ROOT_CNODE, 0, 0, slot, 1);
}

/* A frame of the first general untyped, mapped; tables of the last, which is large. */
static void use_memory(const struct pith_bootinfo *info)
{
    pith_word count = info->untyped.end - info->untyped.start, first = 0, error = 0, largest;
    while (info->untyped_list[first].is_device)
        first++;
    largest = first;
    for (pith_word i = first; i < count; i++)
        if (info->untyped_list[i].size_bits > info->untyped_list[largest].size_bits)
            largest = i;
    pith_cptr frame = info->empty.start, table = frame + 1;
    error |= create(info->untyped.start + first, PITH_PAGE, frame);
    for (int level = 0; level < 2; level++, table++) {
        error |= create(info->untyped.start + largest, PITH_PAGE_TABLE, table);
        error |= pith_page_table_map(table, PITH_ROOT_VSPACE, UNMAPPED, 0);
    }
    error |= pith_page_map(frame, PITH_ROOT_VSPACE, UNMAPPED, PITH_ALL_RIGHTS, PITH_NOT_EXECUTABLE);
    print_field("error", error);
    volatile pith_word *memory = (volatile pith_word *)UNMAPPED;
    pith_word sum = 0;
    for (int i = 0; i < 512; i++)
        sum |= memory[i];
    print_field("found", sum);
    for (int i = 0; i < 512; i++)
        memory[i] = ~0UL;
    print_field("at", pith_page_get_address(frame).word[0]);
}

void pith_main(const struct pith_bootinfo *info)
{
    print_field("extra_length", info->extra_length);
    print_field("node_id", info->node_id);
    print_field("node_count", info->node_count);
    print_field("io_page_table_levels", info->io_page_table_levels);
    print_field("ipc_buffer", (pith_word)info->ipc_buffer);
    print_field("root_cnode_size_bits", info->root_cnode_size_bits);
    print_field("initial_domain", info->initial_domain);
    print_slots("empty", info->empty);
    print_slots("shared_frames", info->shared_frames);
    print_slots("user_image_frames", info->user_image_frames);
    print_slots("user_image_paging", info->user_image_paging);
    print_slots("io_space_caps", info->io_space_caps);
    print_slots("extra_bootinfo_pages", info->extra_bootinfo_pages);
    print_slots("sched_control", info->sched_control);
    print_slots("untyped", info->untyped);
    for (pith_word i = 0; i < info->untyped.end - info->untyped.start; i++)
        print_untyped(&info->untyped_list[i]);
    print_field("domain 15", pith_domain_schedule_configure(PITH_ROOT_DOMAIN, 1, 15, 1000));
    print_field("domain 16", pith_domain_schedule_configure(PITH_ROOT_DOMAIN, 1, 16, 1000));
    use_memory(info);
    pith_debug_halt();
}

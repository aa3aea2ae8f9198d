/* The three ways to move data from one address space to another: in registers, through the IPC buffers, which the
 * kernel copies, and through shared memory with notifications.
 *
 * Every transfer begins with the data in memory of the sender's and ends with it in memory of the receiver's, and with
 * the sender knowing so; all that both execute on the way counts. The first two ways are the same program: a call a
 * block, of four words or of as many as a message holds. */

#include "console.h"
#include "copying.h"
#include "resources.h"
#include "samples.h"

enum { LEAST_WORDS = 1, MOST_WORDS = 1 << 17, REGISTER_WORDS = 4, MESSAGE_WORDS = 120 };
enum { REGION_BITS = 21, REGIONS_BITS = REGION_BITS + 2, FIRST_BLOCK = 1 };

/* A megapage each; the sender sees all three, the receivers not the source. */
static word *const source = (word *)0x400000, *const shared = (word *)0x600000, *const destination = (word *)0x800000;

static word endpoint, reply, filled, emptied;

static void send_in_messages(word count, word block)
{
    const word *from = source;
    for (word label = FIRST_BLOCK; count; label = 0) {
        word length = count < block ? count : block;
        if (length > REGISTER_WORDS)
            copy_words(pith_ipc_buffer->words + REGISTER_WORDS, from + REGISTER_WORDS, length - REGISTER_WORDS);
        pith_call(endpoint, pith_info(label, 0, length), from);
        from += length;
        count -= length;
    }
}

static _Noreturn void receive_messages(struct pith_ipc_buffer *buffer)
{
    word *to = destination;
    struct pith_message message = pith_recv(endpoint, reply);
    for (;;) {
        word length = pith_length_of(message);
        if (pith_label_of(message) == FIRST_BLOCK)
            to = destination;
        for (word i = 0; i < REGISTER_WORDS; i++) /* those beyond the message are written over, or not looked at */
            to[i] = message.word[i];
        if (length > REGISTER_WORDS)
            copy_words(to + REGISTER_WORDS, buffer->words + REGISTER_WORDS, length - REGISTER_WORDS);
        to += length;
        message = pith_reply_recv(endpoint, reply, pith_info(0, 0, 0), PITH_NO_WORDS);
    }
}

/* How much there is stands behind the data. */
static void send_shared(word count)
{
    copy_words(shared, source, count);
    shared[MOST_WORDS] = count;
    pith_signal(filled);
    pith_wait(emptied);
}

static _Noreturn void receive_shared(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    for (;;) {
        pith_wait(filled);
        copy_words(destination, shared, shared[MOST_WORDS]);
        pith_signal(emptied);
    }
}

static void map_region(word region, word space, const word *address)
{
    word copied = new_slot();
    check("copy a region", pith_cnode_copy(pith_own(copied), pith_own(region), PITH_ALL_RIGHTS));
    check("map a region", pith_page_map(copied, space, (word)address, PITH_READ_WRITE, PITH_NOT_EXECUTABLE));
}

static void map_regions(word receivers)
{
    word untyped = take_untyped(REGIONS_BITS), regions[3];
    for (word i = 0; i < 3; i++)
        regions[i] = retype(untyped, PITH_MEGA_PAGE, 0);
    map_region(regions[0], PITH_ROOT_VSPACE, source);
    map_region(regions[1], PITH_ROOT_VSPACE, shared);
    map_region(regions[2], PITH_ROOT_VSPACE, destination);
    map_region(regions[1], receivers, shared);
    map_region(regions[2], receivers, destination);
}

static void set_up(void)
{
    word receivers = new_address_space();
    endpoint = new_object(PITH_ENDPOINT, 0);
    reply = new_object(PITH_REPLY, 0);
    filled = new_object(PITH_NOTIFICATION, 0);
    emptied = new_object(PITH_NOTIFICATION, 0);
    map_regions(receivers);
    start_thread(receivers, HIGHER, true, receive_messages);
    start_thread(receivers, HIGHER, false, receive_shared);
}

/* No two transfers have the same data, so that what an earlier one left is not taken for a later one's. */
static void fill_source(word count)
{
    static word next = 1;
    for (word i = 0; i < count; i++)
        source[i] = next++;
}

static void check_destination(word count)
{
    for (word i = 0; i < count; i++)
        if (destination[i] != source[i])
            fail("the data did not arrive, at word", i);
}

static void measure(const char *curve, word count, word block)
{
    word samples[POINT_SAMPLES];
    for (word i = 0; i < POINT_SAMPLES; i++) {
        fill_source(count);
        sample_begins();
        word before = stamp();
        if (block)
            send_in_messages(count, block);
        else
            send_shared(count);
        samples[i] = between(before, stamp());
        sample_ends();
        check_destination(count);
    }
    report_point(curve, count * sizeof(word), samples);
}

void measure_data(void)
{
    if (!asked_for("data"))
        return;
    set_up();
    for (word count = LEAST_WORDS; count <= MOST_WORDS; count *= 2) {
        measure("data.registers", count, REGISTER_WORDS);
        measure("data.message", count, MESSAGE_WORDS);
        measure("data.shared", count, 0);
    }
    end_threads();
}

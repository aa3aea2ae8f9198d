/* The same service as a function, as a server, and as two servers in a chain: reading a block of a file in a memory file
 * system.
 *
 * The file system is two parts in any case: one that finds out which block a part of a file is, and one that has the blocks.
 * What differs is what stands between the parts, and between them and the reader. */

#include "console.h"
#include "copying.h"
#include "resources.h"
#include "samples.h"

enum { BLOCK_WORDS = 64, BLOCK_BYTES = BLOCK_WORDS * sizeof(word), BLOCKS = 32, FILES = 8, FILE_BLOCKS = 4 };

struct name { word parts[2]; }; /* sixteen characters */
struct file { struct name name; word blocks[FILE_BLOCKS]; };

static struct file directory[FILES];
static word disk[BLOCKS][BLOCK_WORDS];

/* The file system: the number of the block that holds this part of a file. */
static __attribute__((noinline)) word find_block(struct name name, word offset)
{
    for (const struct file *file = directory; file < directory + FILES; file++)
        if (file->name.parts[0] == name.parts[0] && file->name.parts[1] == name.parts[1])
            return file->blocks[offset / BLOCK_BYTES % FILE_BLOCKS];
    return 0;
}

/* The block device: a block's contents. */
static __attribute__((noinline)) void read_block(word number, word to[BLOCK_WORDS])
{
    copy_words(to, disk[number % BLOCKS], BLOCK_WORDS);
}

/* The readers: from a file's name and an offset to the block in the reader's memory. -------------------------- */

static word files, files_reply, blocks, blocks_reply;

static void call_functions(struct name name, word offset, word to[BLOCK_WORDS])
{
    read_block(find_block(name, offset), to);
}

/* The first four words of an answer come in registers, the others in the IPC buffer. */
static void call_server(struct name name, word offset, word to[BLOCK_WORDS])
{
    struct pith_message answer =
        pith_call(files, pith_info(0, 0, 3), PITH_WORDS(name.parts[0], name.parts[1], offset, 0));
    for (word i = 0; i < 4; i++)
        to[i] = answer.word[i];
    copy_words(to + 4, pith_ipc_buffer->words + 4, BLOCK_WORDS - 4);
}

/* The servers --------------------------------------------------------------------------------------------- */

static struct name name_in(struct pith_message request) { return (struct name){{request.word[0], request.word[1]}}; }

static const word block_info = BLOCK_WORDS; /* label 0, no capabilities */

static _Noreturn void serve_files_alone(struct pith_ipc_buffer *buffer)
{
    struct pith_message request = pith_recv(files, files_reply);
    for (;;) {
        read_block(find_block(name_in(request), request.word[2]), buffer->words);
        request = pith_reply_recv(files, files_reply, block_info, buffer->words);
    }
}

/* What the other server answers stands where this one's own answer has to be, so it is passed on as it is. */
static _Noreturn void serve_files(struct pith_ipc_buffer *buffer)
{
    (void)buffer;
    struct pith_message request = pith_recv(files, files_reply);
    for (;;) {
        word number = find_block(name_in(request), request.word[2]);
        struct pith_message block = pith_call(blocks, pith_info(0, 0, 1), PITH_WORDS(number, 0, 0, 0));
        request = pith_reply_recv(files, files_reply, block_info, block.word);
    }
}

static _Noreturn void serve_blocks(struct pith_ipc_buffer *buffer)
{
    struct pith_message request = pith_recv(blocks, blocks_reply);
    for (;;) {
        read_block(request.word[0], buffer->words);
        request = pith_reply_recv(blocks, blocks_reply, block_info, buffer->words);
    }
}

/* Measuring ----------------------------------------------------------------------------------------------- */

typedef void reader(struct name name, word offset, word to[BLOCK_WORDS]);

static struct name name_of(word number) { return (struct name){{number, ~number}}; }

static void fill_file_system(void)
{
    for (word i = 0; i < FILES; i++) {
        directory[i].name = name_of(i);
        for (word block = 0; block < FILE_BLOCKS; block++)
            directory[i].blocks[block] = BLOCKS - 1 - (i * FILE_BLOCKS + block);
    }
    for (word i = 0; i < BLOCKS; i++)
        for (word j = 0; j < BLOCK_WORDS; j++)
            disk[i][j] = i * BLOCK_WORDS + j;
}

static void check_block(word number, const word block[BLOCK_WORDS])
{
    for (word i = 0; i < BLOCK_WORDS; i++)
        if (block[i] != number * BLOCK_WORDS + i)
            fail("what was read is not the block, at word", i);
}

/* The file in the middle of the directory, its blocks in turn. */
static void measure(const char *scenario, reader *read)
{
    struct row row = {0};
    static word block[BLOCK_WORDS];
    for (word i = 0; i < WARM_UPS + SAMPLES; i++) {
        word file = FILES / 2, part = i % FILE_BLOCKS;
        sample_begins();
        word before = stamp();
        read(name_of(file), part * BLOCK_BYTES, block);
        word after = stamp();
        sample_ends();
        check_block(directory[file].blocks[part], block);
        add_sample(&row, between(before, after));
    }
    report(scenario, &row);
}

static void set_up(void)
{
    fill_file_system();
    files = new_object(PITH_ENDPOINT, 0);
    files_reply = new_object(PITH_REPLY, 0);
    blocks = new_object(PITH_ENDPOINT, 0);
    blocks_reply = new_object(PITH_REPLY, 0);
}

void measure_services(void)
{
    if (asked_for("service-functions")) {
        set_up();
        measure("service-functions", call_functions);
    }
    if (asked_for("service-server")) {
        set_up();
        start_thread(new_address_space(), HIGHER, true, serve_files_alone);
        measure("service-server", call_server);
        end_threads();
    }
    if (asked_for("service-chain")) {
        set_up();
        start_thread(new_address_space(), HIGHEST, true, serve_blocks);
        start_thread(new_address_space(), HIGHER, true, serve_files);
        measure("service-chain", call_server);
        end_threads();
    }
}

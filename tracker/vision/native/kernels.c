/* The parts of face detection in which numpy spends its time on calls instead of numbers.

   Each function does what its namesake in Python does (tracker/faces: sums.py, patches.py, boxes.py); tests hold the two
   together. Nothing is allocated and nothing is kept here: the caller gives every array, and room to work in. Counts and
   sizes are at least 0, arrays do not overlap. */

#include <stdint.h>
#include <string.h>
#ifndef _WIN32
#include <pthread.h>
#endif

/* One function, compiled for several generations of processors, of which the newest that fits is taken at run time. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(ONE_TARGET)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#ifdef _WIN32
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#define COLOURS 3

typedef double sums4 __attribute__((vector_size(32), aligned(8)));
typedef int32_t whole4 __attribute__((vector_size(16), aligned(4)));
typedef float maps16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t mask16 __attribute__((vector_size(64), aligned(4)));
typedef float pixel4 __attribute__((vector_size(16), aligned(4)));

static const float MIDDLE = 127.5f, PART = 1.0f / 128;

/* Of which source this was compiled: the SHA-256 of this file. */
PUBLIC const char *footfall_source(void) { return SOURCE; }

static inline sums4 sum_at(const int32_t *corner, double right)
{
    whole4 here, beyond;
    memcpy(&here, corner, sizeof here);
    memcpy(&beyond, corner + 4, sizeof beyond);
    return __builtin_convertvector(here, sums4) + right * __builtin_convertvector(beyond - here, sums4);
}

static inline int64_t held(int64_t value, int64_t last) { return value < 0 ? 0 : value > last ? last : value; }

/* table: (rows, columns, 4) sums above and left of each corner of a part of a picture that begins at origin_x, origin_y.
   parts: corners_xy (count, 2), steps_xy (count, 2). drawn: (count, height, width, 3).
   room: 11 * (width + 1) doubles. */
PUBLIC FOR_EACH_PROCESSOR void footfall_draw(const int32_t *table, int64_t columns, int64_t rows, int64_t origin_x,
                                             int64_t origin_y, int64_t count, const int64_t *corners_xy,
                                             const double *steps_xy, int64_t width, int64_t height, float *drawn,
                                             double *room)
{
    double *part = room + 8 * (width + 1);
    int64_t *offset = (int64_t *)(part + width + 1);
    for (int64_t n = 0; n < count; n++) {
        sums4 *above = (sums4 *)room, *below = above + width + 1;
        const double step_x = steps_xy[2 * n], step_y = steps_xy[2 * n + 1];
        const double share = 1 / (128 * (step_x * step_y));
        for (int64_t i = 0; i <= width; i++) {
            double edge = (double)(corners_xy[2 * n] + i) * step_x - (double)origin_x;
            int64_t whole = held((int64_t)edge, columns - 2);
            offset[i] = 4 * whole;
            part[i] = edge - (double)whole;
        }
        for (int64_t j = 0; j <= height; j++) {
            double edge = (double)(corners_xy[2 * n + 1] + j) * step_y - (double)origin_y;
            int64_t whole = held((int64_t)edge, rows - 2);
            double down = edge - (double)whole;
            const int32_t *line = table + 4 * columns * whole;
            for (int64_t i = 0; i <= width; i++) {
                sums4 top = sum_at(line + offset[i], part[i]);
                below[i] = top + down * (sum_at(line + offset[i] + 4 * columns, part[i]) - top);
            }
            float *out = drawn + (n * height + j - 1) * width * COLOURS;
            for (int64_t i = 0; j > 0 && i < width; i++, out += COLOURS) {
                sums4 mean = ((below[i + 1] - above[i + 1]) - (below[i] - above[i])) * share - 127.5 / 128;
                for (int colour = 0; colour < COLOURS; colour++)
                    out[colour] = (float)mean[colour];
            }
            sums4 *used = above;
            above = below;
            below = used;
        }
    }
}

/* Where a sample lies along an axis that is `length` px long: the px before it and the part of the way to the next;
   -1 outside. */
static inline int64_t sample(double first, double last, int64_t index, int64_t size, int64_t length, float *part)
{
    const double scale = (double)(length - 1) / (double)length;
    const float at = (float)(first * scale + (last - first) * scale * ((double)index / (double)(size - 1)));
    if (!(at >= 0 && at <= (float)(length - 1)))
        return -1;
    int64_t whole = held((int64_t)at, length - 2);
    *part = at - (float)whole;
    return whole;
}

/* One row of a patch from `mixed`, a row of the picture in floating point; blue green red becomes red green blue. The
   float after the row becomes 0. */
static inline void sample_row(const float *mixed, const int32_t *columns, const float *parts, int64_t first, int64_t end,
                              float *row)
{
    for (int64_t i = first; i < end; i++) {
        pixel4 left, right;
        memcpy(&left, mixed + columns[i], sizeof left);
        memcpy(&right, mixed + columns[i] + COLOURS, sizeof right);
        const pixel4 colour = left + parts[i] * (right - left);
        const pixel4 turned = {colour[2], colour[1], colour[0], 0};
        memcpy(row + COLOURS * i, &turned, sizeof turned);
    }
}

/* picture: (height, width, 3) bytes, its rows `pitch` bytes apart, at least 2 px wide and high. boxes: (count, 4).
   patches: (count, size, size, 3), and one float more. room: 2 * size + 3 * width + 1 floats. */
PUBLIC FOR_EACH_PROCESSOR void footfall_cut(const uint8_t *picture, int64_t width, int64_t height, int64_t pitch,
                                            int64_t count, const double *boxes, int64_t size, float *patches,
                                            float *room)
{
    float *parts = room, *mixed = room + 2 * size;
    int32_t *columns = (int32_t *)(room + size);
    for (int64_t n = 0; n < count; n++) {
        const double *box = boxes + 4 * n;
        float *patch = patches + n * size * size * COLOURS;
        int64_t first = size, end = 0, from = 0, beyond = 0;
        for (int64_t i = 0; i < size; i++) {
            int64_t column = sample(box[0], box[2], i, size, width, parts + i);
            if (column < 0)
                continue;
            from = first == size ? column : column < from ? column : from;
            beyond = column + 2 > beyond ? column + 2 : beyond;
            first = i < first ? i : first;
            end = i + 1;
            columns[i] = (int32_t)column;
        }
        for (int64_t i = first; i < end; i++)
            columns[i] = COLOURS * (columns[i] - (int32_t)from);
        memset(patch, 0, sizeof *patch * (size_t)(size * size * COLOURS));
        for (int64_t j = 0; j < size && first < end; j++) {
            float down = 0;
            int64_t line = sample(box[1], box[3], j, size, height, &down);
            if (line < 0)
                continue;
            const uint8_t *top = picture + line * pitch + COLOURS * from, *low = top + pitch;
            const int64_t span = COLOURS * (beyond - from);
            for (int64_t k = 0; k < span; k++)
                mixed[k] = ((float)top[k] - MIDDLE) * PART + down * PART * (float)((int)low[k] - (int)top[k]);
            mixed[span] = 0;
            sample_row(mixed, columns, parts, first, end, patch + j * size * COLOURS);
        }
    }
}

/* boxes: (count, 4), best first; one with a NaN is empty. groups: (count,) or null. smaller: whether shared areas are measured by the smaller
   box. kept: (count,) 0 or 1. room: 5 * count doubles. */
PUBLIC FOR_EACH_PROCESSOR void footfall_survive(int64_t count, const double *boxes, const int64_t *groups, double limit,
                                                int64_t smaller, uint8_t *kept, double *room)
{
    double *x1 = room, *y1 = x1 + count, *x2 = y1 + count, *y2 = x2 + count, *area = y2 + count;
    const double part = limit / (1 + limit);
    for (int64_t i = 0; i < count; i++) {
        const double *box = boxes + 4 * i;
        const int told = box[0] == box[0] && box[1] == box[1] && box[2] == box[2] && box[3] == box[3];
        x1[i] = told ? box[0] : 1, y1[i] = told ? box[1] : 1, x2[i] = told ? box[2] : 0, y2[i] = told ? box[3] : 0;
        double across = x2[i] - x1[i], down = y2[i] - y1[i];
        area[i] = (across > 0 ? across : 0) * (down > 0 ? down : 0);
        int64_t struck = 0;
        for (int64_t k = 0; k < i; k++) {
            across = (x2[k] < x2[i] ? x2[k] : x2[i]) - (x1[k] > x1[i] ? x1[k] : x1[i]);
            down = (y2[k] < y2[i] ? y2[k] : y2[i]) - (y1[k] > y1[i] ? y1[k] : y1[i]);
            double shared = (across > 0 ? across : 0) * (down > 0 ? down : 0);
            double least = smaller ? limit * (area[k] < area[i] ? area[k] : area[i]) : part * area[k] + part * area[i];
            struck |= (shared > least) & (!groups || groups[k] == groups[i]);
        }
        kept[i] = !struck;
    }
}

enum { MAPS = 16, FIELD = 3, TAPS = FIELD * FIELD * COLOURS, ROWS = 4, ACROSS = 4, MOST_THREADS = 8 };

/* What one thread does of `footfall_first`: rows `from` to before `to` of the map. */
typedef struct {
    const uint8_t *picture;
    const float *kernel, *bias, *slope;
    float *map, *room;
    int64_t width, height, pitch, from, to;
} first_part;

static inline __attribute__((always_inline)) void choose(maps16 *ours, const maps16 *theirs, const mask16 *keep)
{
    *ours = (maps16)(((mask16)*ours & *keep) | ((mask16)*theirs & ~*keep));
}

static inline __attribute__((always_inline)) void larger_of(maps16 *ours, const maps16 *theirs)
{
    const mask16 keep = *ours > *theirs;
    choose(ours, theirs, &keep);
}

/* PReLU. */
static inline __attribute__((always_inline)) void bend(maps16 *values, const maps16 *slope)
{
    const maps16 bent = *values * *slope, none = {0};
    const mask16 keep = *values > none;
    choose(values, &bent, &keep);
}

/* The largest of a square of 2x2 places, as far as they lie in the picture. upper, lower: the two of each row. */
static inline __attribute__((always_inline)) void keep_largest(const maps16 *upper, const maps16 *lower, int wide,
                                                               int low, float *out)
{
    maps16 best = upper[0];
    if (wide)
        larger_of(&best, upper + 1);
    if (low)
        larger_of(&best, lower);
    if (low && wide)
        larger_of(&best, lower + 1);
    memcpy(out, &best, sizeof best);
}

/* Two rows of ACROSS places at once: so many sums keep the processor busy while each waits for its last product. */
FOR_EACH_PROCESSOR static void first_rows(const first_part *part)
{
    const int64_t places = part->width - FIELD + 1, span = COLOURS * (part->width + ACROSS);
    maps16 kernel[TAPS], bias, slope;
    memcpy(kernel, part->kernel, sizeof kernel);
    memcpy(&bias, part->bias, sizeof bias);
    memcpy(&slope, part->slope, sizeof slope);
    for (int64_t y = part->from; y < part->to; y++) {
        for (int64_t line = 0; line < ROWS; line++) {
            const uint8_t *row = part->picture + part->pitch * held(2 * y + line, part->height - 1);
            float *numbers = part->room + line * span;
            for (int64_t i = 0; i < COLOURS * part->width; i++)
                numbers[i] = (float)row[i];
            memset(numbers + COLOURS * part->width, 0, COLOURS * ACROSS * sizeof *numbers);
        }
        const int low = 2 * y + FIELD < part->height;
        float *out = part->map + y * ((places + 1) / 2) * MAPS;
        for (int64_t x = 0; x < places; x += ACROSS) {
            maps16 upper[ACROSS], lower[ACROSS];
            for (int i = 0; i < ACROSS; i++)
                upper[i] = lower[i] = bias;
            for (int line = 0; line < FIELD; line++) {
                const float *above = part->room + line * span + COLOURS * x, *under = above + span;
                for (int tap = 0; tap < FIELD * COLOURS; tap++)
                    for (int i = 0; i < ACROSS; i++) {
                        upper[i] += above[tap + COLOURS * i] * kernel[line * FIELD * COLOURS + tap];
                        lower[i] += under[tap + COLOURS * i] * kernel[line * FIELD * COLOURS + tap];
                    }
            }
            for (int i = 0; i < ACROSS; i++)
                bend(upper + i, &slope), bend(lower + i, &slope);
            for (int i = 0; i < ACROSS && x + i < places; i += 2, out += MAPS)
                keep_largest(upper + i, lower + i, x + i + 1 < places, low, out);
        }
    }
}

static void *first_thread(void *part)
{
    first_rows(part);
    return 0;
}

/* The first layer of P-Net: convolution of 3x3, PReLU, and the largest of 2x2. picture: (height, width, 3) bytes, at
   least 3 px wide and high, its rows `pitch` bytes apart. kernel: (3, 3, 3, 16). bias, slope: (16,). map:
   ((height - 1) / 2, (width - 1) / 2, 16). room: threads * 12 * (width + 4) floats. A thread that cannot be had is done
   without. */
PUBLIC void footfall_first(const uint8_t *picture, int64_t width, int64_t height, int64_t pitch, const float *kernel,
                           const float *bias, const float *slope, float *map, float *room, int64_t threads)
{
    const int64_t rows = (height - 1) / 2, count = held(threads, MOST_THREADS);
    first_part parts[MOST_THREADS];
    for (int64_t n = 0; n < count; n++)
        parts[n] = (first_part){picture, kernel, bias, slope, map, room + n * ROWS * COLOURS * (width + ACROSS), width,
                                height, pitch, n * rows / count, (n + 1) * rows / count};
#ifndef _WIN32
    pthread_t others[MOST_THREADS];
    int begun[MOST_THREADS];
    for (int64_t n = 1; n < count; n++)
        begun[n] = pthread_create(others + n, 0, first_thread, parts + n) == 0;
    first_rows(parts);
    for (int64_t n = 1; n < count; n++)
        if (begun[n])
            pthread_join(others[n], 0);
        else
            first_rows(parts + n);
#else
    for (int64_t n = 0; n < count; n++)
        first_thread(parts + n);
#endif
}

/* The parts of face detection in which numpy spends most of its time on call overhead.

   Each function computes the same as its counterpart in Python (tracker/vision: pyramid.py, patches.py, boxes.py,
   haar_cascade.py), and tests compare the two. The functions allocate nothing and keep no state: the caller provides
   every array, including scratch memory. Counts and sizes are at least 0, arrays do not overlap. */

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifndef _WIN32
#include <pthread.h>
#endif

/* Compiles a function for several instruction sets; the best one that the processor has is selected at run time. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(ONE_TARGET)
#define MULTIVERSIONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MULTIVERSIONED
#endif

#ifdef _WIN32
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#define CHANNELS 3

typedef double doublex4 __attribute__((vector_size(32), aligned(8)));
typedef int32_t intx4 __attribute__((vector_size(16), aligned(4)));
typedef float floatx16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t maskx16 __attribute__((vector_size(64), aligned(4)));
typedef float floatx4 __attribute__((vector_size(16), aligned(4)));

static const float MEAN = 127.5f, SCALE = 1.0f / 128;

/* SHA-256 of the source that the library was compiled from. */
PUBLIC const char *footfall_source(void) { return SOURCE; }

static inline doublex4 sum_at(const int32_t *corner, double right)
{
    intx4 here, beyond;
    memcpy(&here, corner, sizeof here);
    memcpy(&beyond, corner + 4, sizeof beyond);
    return __builtin_convertvector(here, doublex4) + right * __builtin_convertvector(beyond - here, doublex4);
}

static inline int64_t clamped(int64_t value, int64_t last) { return value < 0 ? 0 : value > last ? last : value; }

/* Area resampling from an integral image. table: (rows, columns, 4) sums above and left of each pixel corner of a part
   of an image whose origin is at origin_x, origin_y. Windows: corners_xy (count, 2), steps_xy (count, 2).
   pixels: (count, height, width, 3). scratch: 11 * (width + 1) doubles. */
PUBLIC MULTIVERSIONED void footfall_resample(const int32_t *table, int64_t columns, int64_t rows, int64_t origin_x,
                                             int64_t origin_y, int64_t count, const int64_t *corners_xy,
                                             const double *steps_xy, int64_t width, int64_t height, float *pixels,
                                             double *scratch)
{
    double *fraction = scratch + 8 * (width + 1);
    int64_t *offset = (int64_t *)(fraction + width + 1);
    for (int64_t n = 0; n < count; n++) {
        doublex4 *above = (doublex4 *)scratch, *below = above + width + 1;
        const double step_x = steps_xy[2 * n], step_y = steps_xy[2 * n + 1];
        const double factor = 1 / (128 * (step_x * step_y));
        for (int64_t i = 0; i <= width; i++) {
            double edge = (double)(corners_xy[2 * n] + i) * step_x - (double)origin_x;
            int64_t whole = clamped((int64_t)edge, columns - 2);
            offset[i] = 4 * whole;
            fraction[i] = edge - (double)whole;
        }
        for (int64_t j = 0; j <= height; j++) {
            double edge = (double)(corners_xy[2 * n + 1] + j) * step_y - (double)origin_y;
            int64_t whole = clamped((int64_t)edge, rows - 2);
            double down = edge - (double)whole;
            const int32_t *line = table + 4 * columns * whole;
            for (int64_t i = 0; i <= width; i++) {
                doublex4 top = sum_at(line + offset[i], fraction[i]);
                below[i] = top + down * (sum_at(line + offset[i] + 4 * columns, fraction[i]) - top);
            }
            float *out = pixels + (n * height + j - 1) * width * CHANNELS;
            for (int64_t i = 0; j > 0 && i < width; i++, out += CHANNELS) {
                doublex4 mean = ((below[i + 1] - above[i + 1]) - (below[i] - above[i])) * factor - 127.5 / 128;
                for (int channel = 0; channel < CHANNELS; channel++)
                    out[channel] = (float)mean[channel];
            }
            doublex4 *swap = above;
            above = below;
            below = swap;
        }
    }
}

/* Position of a sample along an axis of `length` px: the index of the pixel before it and the fraction of the way to
   the next; -1 outside. */
static inline int64_t sample(double first, double last, int64_t index, int64_t size, int64_t length, float *fraction)
{
    const double scale = (double)(length - 1) / (double)length;
    const float at = (float)(first * scale + (last - first) * scale * ((double)index / (double)(size - 1)));
    if (!(at >= 0 && at <= (float)(length - 1)))
        return -1;
    int64_t whole = clamped((int64_t)at, length - 2);
    *fraction = at - (float)whole;
    return whole;
}

/* One row of a patch, sampled from a vertically interpolated row of the image; BGR becomes RGB. Writes a 0 after the
   row. */
static inline void sample_row(const float *blended, const int32_t *columns, const float *fractions, int64_t first,
                              int64_t end, float *row)
{
    for (int64_t i = first; i < end; i++) {
        floatx4 left, right;
        memcpy(&left, blended + columns[i], sizeof left);
        memcpy(&right, blended + columns[i] + CHANNELS, sizeof right);
        const floatx4 pixel = left + fractions[i] * (right - left);
        const floatx4 swapped = {pixel[2], pixel[1], pixel[0], 0};
        memcpy(row + CHANNELS * i, &swapped, sizeof swapped);
    }
}

/* Bilinear sampling of square patches. image: (height, width, 3) bytes, its rows `pitch` bytes apart, at least 2 px
   wide and high. boxes: (count, 4). patches: (count, size, size, 3), and one float more.
   scratch: 2 * size + 3 * width + 1 floats. */
PUBLIC MULTIVERSIONED void footfall_sample_patches(const uint8_t *image, int64_t width, int64_t height, int64_t pitch,
                                                   int64_t count, const double *boxes, int64_t size, float *patches,
                                                   float *scratch)
{
    float *fractions = scratch, *blended = scratch + 2 * size;
    int32_t *columns = (int32_t *)(scratch + size);
    for (int64_t n = 0; n < count; n++) {
        const double *box = boxes + 4 * n;
        float *patch = patches + n * size * size * CHANNELS;
        int64_t first = size, end = 0, from = 0, beyond = 0;
        for (int64_t i = 0; i < size; i++) {
            int64_t column = sample(box[0], box[2], i, size, width, fractions + i);
            if (column < 0)
                continue;
            from = first == size ? column : column < from ? column : from;
            beyond = column + 2 > beyond ? column + 2 : beyond;
            first = i < first ? i : first;
            end = i + 1;
            columns[i] = (int32_t)column;
        }
        for (int64_t i = first; i < end; i++)
            columns[i] = CHANNELS * (columns[i] - (int32_t)from);
        memset(patch, 0, sizeof *patch * (size_t)(size * size * CHANNELS));
        for (int64_t j = 0; j < size && first < end; j++) {
            float down = 0;
            int64_t line = sample(box[1], box[3], j, size, height, &down);
            if (line < 0)
                continue;
            const uint8_t *top = image + line * pitch + CHANNELS * from, *bottom = top + pitch;
            const int64_t span = CHANNELS * (beyond - from);
            for (int64_t k = 0; k < span; k++)
                blended[k] = ((float)top[k] - MEAN) * SCALE + down * SCALE * (float)((int)bottom[k] - (int)top[k]);
            blended[span] = 0;
            sample_row(blended, columns, fractions, first, end, patch + j * size * CHANNELS);
        }
    }
}

/* Non-maximum suppression. boxes: (count, 4) by descending score; a box with a NaN counts as empty. groups: (count,) or
   null. smaller: whether the overlap is relative to the smaller area instead of the union. kept: (count,) 0 or 1.
   scratch: 5 * count doubles. */
PUBLIC MULTIVERSIONED void footfall_nms(int64_t count, const double *boxes, const int64_t *groups, double max_overlap,
                                        int64_t smaller, uint8_t *kept, double *scratch)
{
    double *x1 = scratch, *y1 = x1 + count, *x2 = y1 + count, *y2 = x2 + count, *area = y2 + count;
    const double factor = max_overlap / (1 + max_overlap);
    for (int64_t i = 0; i < count; i++) {
        const double *box = boxes + 4 * i;
        const int valid = box[0] == box[0] && box[1] == box[1] && box[2] == box[2] && box[3] == box[3];
        x1[i] = valid ? box[0] : 1, y1[i] = valid ? box[1] : 1, x2[i] = valid ? box[2] : 0, y2[i] = valid ? box[3] : 0;
        double width = x2[i] - x1[i], height = y2[i] - y1[i];
        area[i] = (width > 0 ? width : 0) * (height > 0 ? height : 0);
        int64_t suppressed = 0;
        for (int64_t k = 0; k < i; k++) {
            width = (x2[k] < x2[i] ? x2[k] : x2[i]) - (x1[k] > x1[i] ? x1[k] : x1[i]);
            height = (y2[k] < y2[i] ? y2[k] : y2[i]) - (y1[k] > y1[i] ? y1[k] : y1[i]);
            double shared = (width > 0 ? width : 0) * (height > 0 ? height : 0);
            double limit = smaller ? max_overlap * (area[k] < area[i] ? area[k] : area[i])
                                   : factor * area[k] + factor * area[i];
            suppressed |= (shared > limit) & (!groups || groups[k] == groups[i]);
        }
        kept[i] = !suppressed;
    }
}

enum { FEATURES = 16, KERNEL = 3, TAPS = KERNEL * KERNEL * CHANNELS, ROWS = 4, UNROLL = 4, MAX_THREADS = 8 };

/* The share of one thread in `footfall_first_layer`: rows `from` to `to` (exclusive) of the feature map. */
typedef struct {
    const uint8_t *image;
    const float *kernel, *bias, *slope;
    float *map, *scratch;
    int64_t width, height, pitch, from, to;
} layer_slice;

static inline __attribute__((always_inline)) void select_lanes(floatx16 *a, const floatx16 *b, const maskx16 *keep)
{
    *a = (floatx16)(((maskx16)*a & *keep) | ((maskx16)*b & ~*keep));
}

static inline __attribute__((always_inline)) void maximum(floatx16 *a, const floatx16 *b)
{
    const maskx16 keep = *a > *b;
    select_lanes(a, b, &keep);
}

static inline __attribute__((always_inline)) void prelu(floatx16 *values, const floatx16 *slope)
{
    const floatx16 scaled = *values * *slope, none = {0};
    const maskx16 keep = *values > none;
    select_lanes(values, &scaled, &keep);
}

/* 2x2 max pooling, cropped at the border. upper, lower: two columns of each row. */
static inline __attribute__((always_inline)) void max_pool(const floatx16 *upper, const floatx16 *lower, int has_right,
                                                           int has_lower, float *out)
{
    floatx16 best = upper[0];
    if (has_right)
        maximum(&best, upper + 1);
    if (has_lower)
        maximum(&best, lower);
    if (has_lower && has_right)
        maximum(&best, lower + 1);
    memcpy(out, &best, sizeof best);
}

/* Computes two rows of UNROLL outputs at once: independent accumulators hide the latency of multiply-add. */
MULTIVERSIONED static void compute_rows(const layer_slice *slice)
{
    const int64_t outputs = slice->width - KERNEL + 1, span = CHANNELS * (slice->width + UNROLL);
    floatx16 kernel[TAPS], bias, slope;
    memcpy(kernel, slice->kernel, sizeof kernel);
    memcpy(&bias, slice->bias, sizeof bias);
    memcpy(&slope, slice->slope, sizeof slope);
    for (int64_t y = slice->from; y < slice->to; y++) {
        for (int64_t line = 0; line < ROWS; line++) {
            const uint8_t *row = slice->image + slice->pitch * clamped(2 * y + line, slice->height - 1);
            float *pixels = slice->scratch + line * span;
            for (int64_t i = 0; i < CHANNELS * slice->width; i++)
                pixels[i] = (float)row[i];
            memset(pixels + CHANNELS * slice->width, 0, CHANNELS * UNROLL * sizeof *pixels);
        }
        const int has_lower = 2 * y + KERNEL < slice->height;
        float *out = slice->map + y * ((outputs + 1) / 2) * FEATURES;
        for (int64_t x = 0; x < outputs; x += UNROLL) {
            floatx16 upper[UNROLL], lower[UNROLL];
            for (int i = 0; i < UNROLL; i++)
                upper[i] = lower[i] = bias;
            for (int line = 0; line < KERNEL; line++) {
                const float *above = slice->scratch + line * span + CHANNELS * x, *under = above + span;
                for (int tap = 0; tap < KERNEL * CHANNELS; tap++)
                    for (int i = 0; i < UNROLL; i++) {
                        upper[i] += above[tap + CHANNELS * i] * kernel[line * KERNEL * CHANNELS + tap];
                        lower[i] += under[tap + CHANNELS * i] * kernel[line * KERNEL * CHANNELS + tap];
                    }
            }
            for (int i = 0; i < UNROLL; i++)
                prelu(upper + i, &slope), prelu(lower + i, &slope);
            for (int i = 0; i < UNROLL && x + i < outputs; i += 2, out += FEATURES)
                max_pool(upper + i, lower + i, x + i + 1 < outputs, has_lower, out);
        }
    }
}

static void *run_thread(void *slice)
{
    compute_rows(slice);
    return 0;
}

/* The first layer of P-Net: 3x3 convolution, PReLU, 2x2 max pooling. image: (height, width, 3) bytes, at least 3 px
   wide and high, its rows `pitch` bytes apart. kernel: (3, 3, 3, 16). bias, slope: (16,). map:
   ((height - 1) / 2, (width - 1) / 2, 16). scratch: threads * 12 * (width + 4) floats. Where a thread cannot be
   started, the calling thread does its share. */
PUBLIC void footfall_first_layer(const uint8_t *image, int64_t width, int64_t height, int64_t pitch,
                                 const float *kernel, const float *bias, const float *slope, float *map, float *scratch,
                                 int64_t threads)
{
    const int64_t rows = (height - 1) / 2, count = clamped(threads, MAX_THREADS);
    layer_slice slices[MAX_THREADS];
    for (int64_t n = 0; n < count; n++)
        slices[n] = (layer_slice){image, kernel, bias, slope, map, scratch + n * ROWS * CHANNELS * (width + UNROLL),
                                  width, height, pitch, n * rows / count, (n + 1) * rows / count};
#ifndef _WIN32
    pthread_t others[MAX_THREADS];
    int started[MAX_THREADS];
    for (int64_t n = 1; n < count; n++)
        started[n] = pthread_create(others + n, 0, run_thread, slices + n) == 0;
    compute_rows(slices);
    for (int64_t n = 1; n < count; n++)
        if (started[n])
            pthread_join(others[n], 0);
        else
            compute_rows(slices + n);
#else
    for (int64_t n = 0; n < count; n++)
        run_thread(slices + n);
#endif
}

#define RECTS 3

static inline double haar_feature(const int32_t *window, const int64_t *corners, const double *weights)
{
    double sum = 0;
    for (int n = 0; n < RECTS && weights[n] != 0; n++, corners += 4)
        sum += (double)(window[corners[0]] - window[corners[1]] - window[corners[2]] + window[corners[3]]) * weights[n];
    return sum;
}

/* The sum of the last stage of a cascade for each window, NaN where a stage rejects it. table: integral images.
   starts, factors: (count,) the corner of each window in it, and what its features are multiplied by. offsets:
   (features, 3, 4) from there to the corners of rectangles; weights: (features, 3), 0 for rectangles that a feature
   does not have, which are the last. The others: see HaarCascade. sums: (count,). */
PUBLIC void footfall_haar_sums(const int32_t *table, int64_t count, const int64_t *starts, const double *factors,
                               int64_t stages, const double *thresholds, const int64_t *ends, const int64_t *roots,
                               const int64_t *features, const double *limits, const int64_t *lefts,
                               const int64_t *rights, const double *leaves, const int64_t *offsets,
                               const double *weights, double *sums)
{
    for (int64_t n = 0; n < count; n++) {
        const int32_t *window = table + starts[n];
        double sum = 0;
        for (int64_t stage = 0, tree = 0; stage < stages && sum == sum; stage++) {
            sum = 0;
            for (; tree < ends[stage]; tree++) {
                int64_t node = roots[tree];
                while (node >= 0) {
                    const int64_t feature = features[node];
                    const double value =
                        haar_feature(window, offsets + 4 * RECTS * feature, weights + RECTS * feature) * factors[n];
                    node = value < limits[node] ? lefts[node] : rights[node];
                }
                sum += leaves[-1 - node];
            }
            if (sum < thresholds[stage])
                sum = NAN;
        }
        sums[n] = sum;
    }
}

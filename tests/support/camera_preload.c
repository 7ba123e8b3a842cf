/*
 * Keeps the camera that GStreamer's pipewiresink (PipeWire 0.3.65) provides from falling silent. When all buffers are
 * on their way, it waits until the graph has run and given one back; but it alone makes the graph run, so it waits for
 * ever. It happens on a busy machine, and when a program closes the camera. With this it runs the graph and tries again.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define RETRY_US 5000

struct pw_stream;
struct pw_buffer;

int64_t g_get_monotonic_time(void);
int g_cond_wait_until(void *condition, void *mutex, int64_t end);

/* The plug-in's libraries are its own: dlsym(RTLD_NEXT, ...) does not find them. */
#define PIPEWIRE(name) dlsym(dlopen("libpipewire-0.3.so.0", RTLD_LAZY | RTLD_NOLOAD), name)

struct pw_buffer *pw_stream_dequeue_buffer(struct pw_stream *stream) {
    static struct pw_buffer *(*dequeue)(struct pw_stream *);
    static bool (*is_driving)(struct pw_stream *);
    static int (*trigger)(struct pw_stream *);
    if (!dequeue) {
        is_driving = PIPEWIRE("pw_stream_is_driving");
        trigger = PIPEWIRE("pw_stream_trigger_process");
        dequeue = PIPEWIRE("pw_stream_dequeue_buffer");
    }
    struct pw_buffer *buffer = dequeue(stream);
    if (!buffer && is_driving(stream)) trigger(stream);
    return buffer;
}

/* Whoever waits for a condition must expect to be woken without it. */
void g_cond_wait(void *condition, void *mutex) {
    g_cond_wait_until(condition, mutex, g_get_monotonic_time() + RETRY_US);
}

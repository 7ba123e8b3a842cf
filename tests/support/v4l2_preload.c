/*
 * Makes the camera that pw-v4l2 shows behave like one behind a real driver. It is preloaded in front of
 * libpw-v4l2.so, whose open and ioctl it calls. PipeWire 0.3.65 lacks, and this adds:
 *
 * - the v4l crate's syscall(SYS_ioctl, ...) is an ioctl;
 * - poll says POLLIN exactly when VIDIOC_DQBUF has a frame (the descriptor of pw-v4l2 also wakes when there is none,
 *   and sleeps when there is one), POLLERR before VIDIOC_STREAMON, and honours its timeout;
 * - after the camera was unplugged, poll says POLLERR | POLLHUP and every ioctl fails with ENODEV (pw-v4l2 waits for
 *   ever, or crashes); it is noticed within SLICE_MS;
 * - the buffers of a camera that was unplugged are left mapped (pw-v4l2 reads what it has freed when they are unmapped,
 *   and would take a later buffer at the same address for one of these);
 * - bytesperline and sizeimage of NV12, YU12, RGB3 and BGR3 are right (pw-v4l2 counts one byte or four a pixel);
 * - VIDIOC_ENUM_FRAMEINTERVALS gives the one interval that VIDIOC_G_PARM gives;
 * - a list of /dev holds video0, video1, ... for the nodes that can be opened;
 * - a camera whose buffers one descriptor has is busy for all others, of this and of other processes, until that one is
 *   closed or gives them up (VIDIOC_REQBUFS: EBUSY);
 * - with RIG_DENIES_CAMERAS in the environment no camera may be opened (EACCES).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How soon an unplugged camera is noticed. */
#define SLICE_MS 100
/* Descriptors beyond this are no cameras. */
#define MOST_FDS 4096

struct camera {
    int open;
    /* Opened without O_NONBLOCK: VIDIOC_DQBUF waits. */
    int blocking;
    int unplugged;
    /* VIDIOC_REQBUFS gave it buffers. */
    int has_buffers;
    /* The locked file of whoever has the camera's buffers, or -1. */
    int claim;
    /* A frame that poll took, for the next VIDIOC_DQBUF. */
    int has_frame;
    struct v4l2_buffer frame;
};

static struct camera cameras[MOST_FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define NEXT(name) ({ \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    next; \
})

static struct camera *camera_of(int fd) {
    return fd >= 0 && fd < MOST_FDS && cameras[fd].open ? &cameras[fd] : NULL;
}

static int fail(int error) {
    errno = error;
    return -1;
}

/* Descriptors */

/* VIDIOC_DQBUF never waits within pw-v4l2, so that this library alone decides how long. */
static int opened(int fd, const char *path, int flags) {
    if (fd >= 0 && fd < MOST_FDS && path && !strncmp(path, "/dev/video", 10)) {
        pthread_mutex_lock(&lock);
        cameras[fd] = (struct camera){ .open = 1, .blocking = !(flags & O_NONBLOCK), .claim = -1 };
        pthread_mutex_unlock(&lock);
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
    return fd;
}

/* As for a user who is not in the group of the cameras. */
static int denied(const char *path) {
    return path && !strncmp(path, "/dev/video", 10) && getenv("RIG_DENIES_CAMERAS");
}

#define MODE(flags) ({ \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list list; \
        va_start(list, flags); \
        mode = va_arg(list, mode_t); \
        va_end(list); \
    } \
    mode; \
})

int open(const char *path, int flags, ...) {
    if (denied(path)) return fail(EACCES);
    return opened(NEXT(open)(path, flags, MODE(flags)), path, flags);
}

int open64(const char *path, int flags, ...) {
    if (denied(path)) return fail(EACCES);
    return opened(NEXT(open64)(path, flags, MODE(flags)), path, flags);
}

int openat(int folder, const char *path, int flags, ...) {
    if (denied(path)) return fail(EACCES);
    return opened(NEXT(openat)(folder, path, flags, MODE(flags)), path, flags);
}

int openat64(int folder, const char *path, int flags, ...) {
    if (denied(path)) return fail(EACCES);
    return opened(NEXT(openat64)(folder, path, flags, MODE(flags)), path, flags);
}

static void give_up(struct camera *camera) {
    if (camera->claim >= 0) NEXT(close)(camera->claim);
    camera->claim = -1;
}

int close(int fd) {
    struct camera *camera = camera_of(fd);
    if (!camera) return NEXT(close)(fd);
    pthread_mutex_lock(&lock);
    struct camera closed = *camera;
    camera->open = 0;
    pthread_mutex_unlock(&lock);
    int result = NEXT(close)(fd);
    give_up(&closed);
    return result;
}

/* The list of /dev */

enum { MOST_CAMERAS = 8 };

/* The folder whose end was reached, and the camera to show there next. */
static __thread DIR *ended;
static __thread int shown;

static int is_dev(DIR *folder) {
    struct stat one, other;
    return fstat(dirfd(folder), &one) == 0 && stat("/dev", &other) == 0 && one.st_dev == other.st_dev
        && one.st_ino == other.st_ino;
}

struct dirent64 *readdir64(DIR *folder) {
    static __thread struct dirent64 camera;
    int before = errno;
    struct dirent64 *entry = NEXT(readdir64)(folder);
    if (entry || errno != before || !is_dev(folder)) return entry;
    if (ended != folder) {
        ended = folder;
        shown = 0;
    }
    /* The number of a camera that was unplugged while somebody had it open is not given to another; one that may not be
     * opened is listed all the same. */
    int fd = -1, listed = 0;
    for (; !listed && shown < MOST_CAMERAS; shown += !listed) {
        char path[32];
        snprintf(path, sizeof path, "/dev/video%d", shown);
        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        listed = fd >= 0 || (errno == EACCES && shown == 0);
    }
    errno = before;
    if (!listed) {
        ended = NULL;
        return NULL;
    }
    if (fd >= 0) close(fd);
    camera = (struct dirent64){ .d_ino = 1 + shown, .d_reclen = sizeof camera, .d_type = DT_CHR };
    snprintf(camera.d_name, sizeof camera.d_name, "video%d", shown++);
    return &camera;
}

struct dirent *readdir(DIR *folder) {
    /* The same structure where file offsets have 64 bits. */
    _Static_assert(sizeof(struct dirent) == sizeof(struct dirent64), "64-bit file offsets");
    return (struct dirent *)readdir64(folder);
}

/* The camera's ioctls */

/* Of a node that leaves the graph, pw-v4l2 first loses the buffers; then it answers VIDIOC_QUERYCAP with EIO. */
static int unplugged(int fd, struct camera *camera) {
    struct v4l2_capability capability;
    struct v4l2_buffer first = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP };
    if (camera->unplugged) return 1;
    camera->unplugged = NEXT(ioctl)(fd, VIDIOC_QUERYCAP, &capability) < 0
        || (camera->has_buffers && NEXT(ioctl)(fd, VIDIOC_QUERYBUF, &first) < 0);
    return camera->unplugged;
}

/* Takes the next frame, if there is one, for the next VIDIOC_DQBUF: 1, or 0 for none yet, or -1 and errno. */
static int take_frame(int fd, struct camera *camera) {
    int taken = 1;
    pthread_mutex_lock(&lock);
    if (!camera->has_frame) {
        camera->frame = (struct v4l2_buffer){ .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP };
        if (NEXT(ioctl)(fd, VIDIOC_DQBUF, &camera->frame) == 0) camera->has_frame = 1;
        else taken = errno == EAGAIN ? 0 : -1;
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

static int dequeue(int fd, struct camera *camera, struct v4l2_buffer *buffer) {
    if (buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || buffer->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
    for (;;) {
        if (unplugged(fd, camera)) return fail(ENODEV);
        int taken = take_frame(fd, camera);
        if (taken < 0) return -1;
        if (taken) {
            pthread_mutex_lock(&lock);
            *buffer = camera->frame;
            camera->has_frame = 0;
            pthread_mutex_unlock(&lock);
            return 0;
        }
        if (!camera->blocking) return fail(EAGAIN);
        struct pollfd wake = { .fd = fd, .events = POLLIN };
        NEXT(poll)(&wake, 1, SLICE_MS);
    }
}

static void correct_sizes(struct v4l2_pix_format *format) {
    unsigned int width = format->width, height = format->height;
    switch (format->pixelformat) {
        case V4L2_PIX_FMT_NV12:
        case V4L2_PIX_FMT_YUV420:
            /* GStreamer's I420 pads its rows to 4 bytes, and its chroma's too. */
            format->bytesperline = (width + 3) / 4 * 4;
            format->sizeimage = format->bytesperline * ((height + 1) / 2 * 2) * 3 / 2;
            break;
        case V4L2_PIX_FMT_RGB24:
        case V4L2_PIX_FMT_BGR24:
            format->bytesperline = (width * 3 + 3) / 4 * 4;
            format->sizeimage = format->bytesperline * height;
            break;
        case V4L2_PIX_FMT_MJPEG:
            format->bytesperline = 0;
            break;
    }
}

/* A file that is locked by one descriptor at most, and by none when its process has ended. */
static int claim(int fd, struct camera *camera) {
    struct v4l2_capability capability;
    char path[4096];
    if (camera->claim >= 0) return 0;
    if (NEXT(ioctl)(fd, VIDIOC_QUERYCAP, &capability) < 0) return -1;
    snprintf(path, sizeof path, "%s/%s.lock", getenv("XDG_RUNTIME_DIR"), capability.bus_info);
    camera->claim = NEXT(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (camera->claim < 0 || flock(camera->claim, LOCK_EX | LOCK_NB) == 0) return camera->claim < 0 ? -1 : 0;
    give_up(camera);
    return fail(EBUSY);
}

static int enumerate_interval(int fd, struct v4l2_frmivalenum *interval) {
    struct v4l2_streamparm parameters = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
    if (interval->index > 0 || NEXT(ioctl)(fd, VIDIOC_G_PARM, &parameters) < 0) return fail(EINVAL);
    interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
    interval->discrete = parameters.parm.capture.timeperframe;
    return 0;
}

static int camera_ioctl(int fd, struct camera *camera, unsigned long request, void *argument) {
    unsigned int number = (unsigned int)request;
    if (unplugged(fd, camera)) return fail(ENODEV);
    if (number == VIDIOC_DQBUF) return dequeue(fd, camera, argument);
    if (number == VIDIOC_ENUM_FRAMEINTERVALS) return enumerate_interval(fd, argument);
    if (number == VIDIOC_STREAMOFF) camera->has_frame = 0;
    int buffers = number == VIDIOC_REQBUFS ? (int)((struct v4l2_requestbuffers *)argument)->count : -1;
    if (buffers > 0 && claim(fd, camera) < 0) return -1;
    int result = NEXT(ioctl)(fd, request, argument);
    if (buffers == 0) give_up(camera);
    if (buffers >= 0 && result == 0) camera->has_buffers = buffers > 0;
    if (result == 0 && (number == VIDIOC_G_FMT || number == VIDIOC_S_FMT || number == VIDIOC_TRY_FMT)) {
        correct_sizes(&((struct v4l2_format *)argument)->fmt.pix);
    }
    return result;
}

/* Mapped buffers */

#define MOST_BUFFERS 256

/* Which camera's buffer is mapped at an address. */
static struct { void *address; int fd; } buffers[MOST_BUFFERS];
/* Not the other lock: PipeWire's thread unmaps too, and must not wait for who waits for it. */
static pthread_mutex_t buffers_lock = PTHREAD_MUTEX_INITIALIZER;

static void *mapped(void *address, int fd) {
    if (address == MAP_FAILED || !camera_of(fd)) return address;
    pthread_mutex_lock(&buffers_lock);
    int i = 0;
    while (i < MOST_BUFFERS && buffers[i].address) i++;
    if (i < MOST_BUFFERS) {
        buffers[i].address = address;
        buffers[i].fd = fd;
    }
    pthread_mutex_unlock(&buffers_lock);
    if (i < MOST_BUFFERS) return address;
    errno = ENOMEM;
    return MAP_FAILED;
}

void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset) {
    return mapped(NEXT(mmap)(address, length, prot, flags, fd, offset), fd);
}

void *mmap64(void *address, size_t length, int prot, int flags, int fd, off64_t offset) {
    return mapped(NEXT(mmap64)(address, length, prot, flags, fd, offset), fd);
}

int munmap(void *address, size_t length) {
    int fd = -1;
    pthread_mutex_lock(&buffers_lock);
    for (int i = 0; i < MOST_BUFFERS; i++) {
        if (!address || buffers[i].address != address) continue;
        fd = buffers[i].fd;
        buffers[i].address = NULL;
    }
    pthread_mutex_unlock(&buffers_lock);
    struct camera *camera = camera_of(fd);
    return camera && unplugged(fd, camera) ? 0 : NEXT(munmap)(address, length);
}

int ioctl(int fd, unsigned long request, ...) {
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    struct camera *camera = camera_of(fd);
    return camera ? camera_ioctl(fd, camera, request, argument) : NEXT(ioctl)(fd, request, argument);
}

long syscall(long number, ...) {
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_ioctl && camera_of((int)a[0])) return ioctl((int)a[0], (unsigned long)a[1], (void *)a[2]);
    return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Waiting */

/* What poll says of this camera now; none while it has no frame. */
static short camera_events(int fd, struct camera *camera, short wanted) {
    if (unplugged(fd, camera)) return POLLERR | POLLHUP;
    int taken = take_frame(fd, camera);
    if (taken < 0) return POLLERR;
    return taken ? wanted & (POLLIN | POLLRDNORM) : 0;
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int has_camera(const struct pollfd *fds, nfds_t count) {
    for (nfds_t i = 0; i < count; i++) {
        if (camera_of(fds[i].fd)) return 1;
    }
    return 0;
}

int poll(struct pollfd *fds, nfds_t count, int timeout) {
    if (!has_camera(fds, count)) return NEXT(poll)(fds, count, timeout);
    long long end = now_ms() + timeout;
    for (;;) {
        long long left = timeout < 0 ? SLICE_MS : end - now_ms();
        int slice = left < 0 ? 0 : left < SLICE_MS ? (int)left : SLICE_MS;
        short events[count];
        for (nfds_t i = 0; i < count; i++) {
            struct camera *camera = camera_of(fds[i].fd);
            events[i] = camera ? camera_events(fds[i].fd, camera, fds[i].events) : 0;
            if (events[i]) slice = 0;
        }
        /* The descriptor wakes when something has come, which may be no frame. */
        if (NEXT(poll)(fds, count, slice) < 0) return -1;
        int ready = 0;
        for (nfds_t i = 0; i < count; i++) {
            if (camera_of(fds[i].fd)) fds[i].revents = events[i];
            ready += fds[i].revents != 0;
        }
        if (ready || (timeout >= 0 && now_ms() >= end)) return ready;
    }
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size) {
    (void)size;
    return poll(fds, count, timeout);
}

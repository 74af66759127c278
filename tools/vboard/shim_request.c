// SPDX-License-Identifier: Apache-2.0
// usbfs requests of libusb: URBs submitted, discarded and reaped over one socket, blocking requests
// over the other.
#include "tools/vboard/shim.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int submit(struct node *n, int fd, struct usbdevfs_urb *u)
{
    int control = u->type == USBDEVFS_URB_TYPE_CONTROL;
    if (node_unplugged(fd)) // nobody would look for its completion
        return node_fail(n);
    if ((u->type != USBDEVFS_URB_TYPE_BULK && !control) || u->buffer_length < 0 ||
        (control && u->buffer_length < SHIM_SETUP_BYTES)) {
        errno = EINVAL;
        return -1;
    }
    if (u->buffer_length > USBFS_WIRE_MAX_BYTES) {
        errno = ENOMEM;
        return -1;
    }
    int in = control ? ((uint8_t *)u->buffer)[0] & 0x80 : u->endpoint & 0x80;
    struct usbfs_wire m = {.type = USBFS_WIRE_SUBMIT,
                           .n = !in       ? (uint32_t)u->buffer_length
                                : control ? SHIM_SETUP_BYTES
                                          : 0,
                           .urb = (uintptr_t)u,
                           .endpoint = u->endpoint,
                           .urb_type = u->type,
                           .buffer_bytes = (uint32_t)u->buffer_length};
    pthread_mutex_lock(&n->submit_lock);
    int r = send_message(n->async_fd, &m, u->buffer);
    pthread_mutex_unlock(&n->submit_lock);
    return r ? node_fail(n) : 0;
}

static int discard(struct node *n, void *urb)
{
    struct usbfs_wire m = {.type = USBFS_WIRE_DISCARD, .urb = (uintptr_t)urb};
    pthread_mutex_lock(&n->submit_lock);
    int r = send_message(n->async_fd, &m, NULL);
    pthread_mutex_unlock(&n->submit_lock);
    return r ? node_fail(n) : 0;
}

// Takes one completion. The board sends first and empties the pipe afterwards; so after filling the
// pipe the socket must be looked at once more, or a completion in between would never be noticed.
static int reap(struct node *n, int fd, void **out)
{
    struct usbfs_wire m;
    int filled = 0;
    for (;;) {
        ssize_t r = recv(n->async_fd, &m, sizeof m, MSG_DONTWAIT);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (filled) {
                errno = node_unplugged(fd) ? ENODEV : EAGAIN;
                return -1;
            }
            node_fill(fd);
            filled = 1;
            continue;
        }
        if (r <= 0 || ((size_t)r < sizeof m &&
                       receive_all(n->async_fd, (char *)&m + r, sizeof m - (size_t)r)))
            return node_fail(n);
        break;
    }
    if (filled)
        node_empty(fd);
    struct usbdevfs_urb *u = (struct usbdevfs_urb *)(uintptr_t)m.urb;
    size_t offset = u->type == USBDEVFS_URB_TYPE_CONTROL ? SHIM_SETUP_BYTES : 0;
    if (offset + m.n > (size_t)u->buffer_length ||
        (m.n && receive_all(n->async_fd, (char *)u->buffer + offset, m.n)))
        return node_fail(n);
    u->status = m.status;
    u->actual_length = m.actual;
    *out = u;
    return 0;
}

static int sync_request(struct node *n, unsigned request, const void *arg, size_t bytes,
                        void *reply, size_t room)
{
    struct usbfs_wire m = {.type = USBFS_WIRE_SYNC, .request = request, .n = (uint32_t)bytes};
    struct usbfs_wire r = {0};
    pthread_mutex_lock(&n->sync_lock);
    int bad = send_message(n->sync_fd, &m, arg) || receive_all(n->sync_fd, &r, sizeof r) ||
              r.n > room || (r.n && receive_all(n->sync_fd, reply, r.n));
    pthread_mutex_unlock(&n->sync_lock);
    if (bad)
        return node_fail(n);
    if (r.status < 0) {
        errno = -r.status;
        return -1;
    }
    return r.status;
}

static int control(struct node *n, const struct usbdevfs_ctrltransfer *t)
{
    uint8_t b[SHIM_SETUP_BYTES + SHIM_CONTROL_MAX] = {
        t->bRequestType,     t->bRequest,
        (uint8_t)t->wValue,  (uint8_t)(t->wValue >> 8),
        (uint8_t)t->wIndex,  (uint8_t)(t->wIndex >> 8),
        (uint8_t)t->wLength, (uint8_t)(t->wLength >> 8)};
    size_t out = t->bRequestType & 0x80 ? 0 : t->wLength;
    if (t->wLength > SHIM_CONTROL_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (out)
        memcpy(b + SHIM_SETUP_BYTES, t->data, out);
    return sync_request(n, (unsigned)USBDEVFS_CONTROL, b, SHIM_SETUP_BYTES + out, t->data,
                        t->wLength);
}

int request_ioctl(struct node *n, int fd, unsigned request, void *arg)
{
    if (atomic_load(&n->gone) && request != (unsigned)USBDEVFS_REAPURBNDELAY)
        return node_fail(n);
    switch (request) {
    case (unsigned)USBDEVFS_GET_CAPABILITIES:
        *(uint32_t *)arg = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_BULK_CONTINUATION |
                           USBDEVFS_CAP_NO_PACKET_SIZE_LIM | USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
        return 0;
    case (unsigned)USBDEVFS_SUBMITURB:
        return submit(n, fd, arg);
    case (unsigned)USBDEVFS_DISCARDURB:
        return discard(n, arg);
    case (unsigned)USBDEVFS_REAPURBNDELAY: {
        pthread_mutex_lock(&n->reap_lock);
        int r = reap(n, fd, arg);
        int error = errno;
        pthread_mutex_unlock(&n->reap_lock);
        errno = error;
        return r;
    }
    case (unsigned)USBDEVFS_CONTROL:
        return control(n, arg);
    case (unsigned)USBDEVFS_CLAIMINTERFACE:
    case (unsigned)USBDEVFS_RELEASEINTERFACE:
    case (unsigned)USBDEVFS_SETCONFIGURATION:
    case (unsigned)USBDEVFS_CLEAR_HALT:
        return sync_request(n, request, arg, sizeof(unsigned), NULL, 0);
    case (unsigned)USBDEVFS_SETINTERFACE:
        return sync_request(n, request, arg, 2 * sizeof(unsigned), NULL, 0);
    case (unsigned)USBDEVFS_RESET:
        return sync_request(n, request, NULL, 0, NULL, 0);
    case (unsigned)USBDEVFS_DISCONNECT_CLAIM:
        return sync_request(n, (unsigned)USBDEVFS_CLAIMINTERFACE,
                            &((struct usbdevfs_disconnect_claim *)arg)->interface, sizeof(unsigned),
                            NULL, 0);
    case (unsigned)USBDEVFS_GETDRIVER: // no kernel driver is ever bound
    case (unsigned)USBDEVFS_IOCTL:
        errno = ENODATA;
        return -1;
    case (unsigned)USBDEVFS_GET_SPEED:
        return 3; // USB_SPEED_HIGH
    default:
        errno = ENOTTY;
        return -1;
    }
}

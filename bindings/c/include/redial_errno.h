/*
 * The cause of a failed call of the operating system, from its errno.
 */

#ifndef REDIAL_ERRNO_H
#define REDIAL_ERRNO_H

#include <errno.h>

#include "redial.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The kind of an errno; REDIAL_IO_OTHER for one that concerns no connection. */
static inline redial_io_kind redial_io_kind_of_errno(int error) {
    switch (error) {
    case ECONNREFUSED:
        return REDIAL_IO_CONNECTION_REFUSED;
    case ECONNRESET:
        return REDIAL_IO_CONNECTION_RESET;
    case ECONNABORTED:
        return REDIAL_IO_CONNECTION_ABORTED;
    case EPIPE:
#ifdef ESHUTDOWN
    case ESHUTDOWN:
#endif
        return REDIAL_IO_BROKEN_PIPE;
    case ETIMEDOUT:
        return REDIAL_IO_TIMED_OUT;
    case EHOSTUNREACH:
        return REDIAL_IO_HOST_UNREACHABLE;
    case ENETUNREACH:
        return REDIAL_IO_NETWORK_UNREACHABLE;
    case ENETDOWN:
#ifdef ENONET
    case ENONET:
#endif
        return REDIAL_IO_NETWORK_DOWN;
#ifdef EHOSTDOWN
    case EHOSTDOWN:
        return REDIAL_IO_HOST_DOWN;
#endif
    case ENETRESET:
        return REDIAL_IO_NETWORK_RESET;
    case ENOTCONN:
        return REDIAL_IO_NOT_CONNECTED;
    case EINTR:
        return REDIAL_IO_INTERRUPTED;
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        return REDIAL_IO_WOULD_BLOCK;
    case EBUSY:
        return REDIAL_IO_RESOURCE_BUSY;
    case ENOENT:
        return REDIAL_IO_NOT_FOUND;
    case EADDRINUSE:
        return REDIAL_IO_ADDR_IN_USE;
    case EADDRNOTAVAIL:
        return REDIAL_IO_ADDR_NOT_AVAILABLE;
    case EMFILE:
    case ENFILE:
        return REDIAL_IO_TOO_MANY_OPEN_FILES;
    case ENOBUFS:
        return REDIAL_IO_NO_BUFFER_SPACE;
    case ENOMEM:
        return REDIAL_IO_OUT_OF_MEMORY;
    case EACCES:
    case EPERM:
        return REDIAL_IO_PERMISSION_DENIED;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
#ifdef EPFNOSUPPORT
    case EPFNOSUPPORT:
#endif
        return REDIAL_IO_UNSUPPORTED;
    case EINVAL:
        return REDIAL_IO_INVALID_INPUT;
    default:
        return REDIAL_IO_OTHER;
    }
}

/* The cause of a failed call: `redial_cause_of_errno(errno)`. */
static inline redial_cause redial_cause_of_errno(int error) {
    redial_cause cause;
    cause.kind = REDIAL_CAUSE_IO;
    cause.detail = (uint32_t)redial_io_kind_of_errno(error);
    return cause;
}

#ifdef __cplusplus
}
#endif

#endif

// SPDX-License-Identifier: Apache-2.0
// The release, as CMake's project() has it.
#ifndef SEVENCAST_DAEMON_VERSION_H
#define SEVENCAST_DAEMON_VERSION_H

#ifndef SEVENCAST_VERSION
#define SEVENCAST_VERSION "unknown"
#endif

#endif

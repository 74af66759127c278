# SPDX-License-Identifier: Apache-2.0
# Language level, warnings and sanitizers, the same for every target.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(SEVENCAST_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread; empty for none")
option(SEVENCAST_FUZZ "Build libFuzzer targets (clang only)" OFF)

add_compile_definitions(_POSIX_C_SOURCE=200809L SEVENCAST_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
    -Wformat=2 -Wwrite-strings -Wcast-qual -Wpointer-arith -Wnull-dereference)
# Asserts guard our own bugs and stay in every build.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()
# Messages are cut to their buffers on purpose; whoever needs the whole checks snprintf's result.
add_compile_options(-Wno-format-truncation)
# Floating point is compiled as written: trained integers must not depend on contraction.
add_compile_options(-ffp-contract=off)

if(SEVENCAST_SANITIZE)
    add_compile_options(-fsanitize=${SEVENCAST_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SEVENCAST_SANITIZE})
endif()
if(SEVENCAST_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link) # coverage for the libFuzzer targets
endif()

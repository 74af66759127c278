# SPDX-License-Identifier: Apache-2.0
# The verbs that every folder's CMakeLists.txt is written with. Sources see the root of the tree as
# their include path, so an include names its folder: #include "protocol/link.h".
include(CMakeParseArguments)

# sc_library(NAME SOURCES a.c... DEPS targets...): a static library.
function(sc_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_DEPS})
endfunction()

# sc_program(NAME SOURCES a.c... DEPS targets... [NOINSTALL]): an executable in bin/.
function(sc_program name)
    cmake_parse_arguments(arg "NOINSTALL" "" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ${arg_DEPS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    if(NOT arg_NOINSTALL)
        install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endfunction()

# sc_test(NAME TIER SOURCES a.c... DEPS targets... [TIMEOUT s]): a cmocka program, one CTest test
# labelled with its tier (unit, rtl, netlist, sim, fuzz, budget, docs).
function(sc_test name tier)
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ${arg_DEPS} test_support PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    sc_test_properties(${name} ${tier} "${arg_TIMEOUT}")
endfunction()

# sc_script_test(NAME TIER COMMAND words... [TIMEOUT s] [ENV K=V...]): any command; exit 77 = skipped.
function(sc_script_test name tier)
    cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND;ENV" ${ARGN})
    add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    sc_test_properties(${name} ${tier} "${arg_TIMEOUT}")
    set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
        "SEVENCAST_BUILD=${PROJECT_BINARY_DIR}" "SEVENCAST_SOURCE=${PROJECT_SOURCE_DIR}" ${arg_ENV})
endfunction()

function(sc_test_properties name tier timeout)
    if(NOT timeout)
        set(timeout 120)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS ${tier} TIMEOUT ${timeout} SKIP_RETURN_CODE 77)
endfunction()

# The tests: unit/<room>/test_*.c is one program each, sim/*.c one program in all, fault/*.c one program each; seal/ holds
# the tools that count what a running server calls. Without cmocka there are none, and configure says so.

enable_testing()
add_custom_target(tests)

function(leat_test name)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
endfunction()

leat_test(house.journey ${PROJECT_SOURCE_DIR}/tests/unit/test_journey)
leat_test(house.header ${PROJECT_SOURCE_DIR}/tests/unit/test_header ${CMAKE_C_COMPILER})

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/seal/*.c)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    if(name STREQUAL "interpose")
        add_library(seal_interpose MODULE ${source})
        leat_compile(seal_interpose)
        set_target_properties(seal_interpose PROPERTIES PREFIX "" OUTPUT_NAME interpose
                              LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/seal)
        target_link_libraries(seal_interpose PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)
    else()
        leat_program(seal_${name} tests/seal "" ${source})
        set_target_properties(seal_${name} PROPERTIES OUTPUT_NAME ${name})
    endif()
    add_dependencies(tests seal_${name})
endforeach()

pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
if(NOT cmocka_FOUND)
    message(STATUS "cmocka is missing: no unit tests (Debian: libcmocka-dev)")
    return()
endif()

# What tests share is in libraries, so that a test pulls only what it uses.
function(leat_test_library target)
    add_library(${target} STATIC EXCLUDE_FROM_ALL ${ARGN})
    leat_compile(${target})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${target} PUBLIC libleat PRIVATE PkgConfig::cmocka)
endfunction()

function(leat_test_program target folder links)
    leat_program(${target} ${folder} "${links};PkgConfig::cmocka" ${ARGN})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    add_dependencies(tests ${target})
endfunction()

foreach(room IN LISTS LEAT_ROOMS)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/${room}/test_*.c)
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM program)
        string(REGEX REPLACE "^test_" "" name ${program})
        leat_test_program(unit_${room}_${name} tests/unit/${room} "${objects_up_to_${room}}" ${source})
        set_target_properties(unit_${room}_${name} PROPERTIES OUTPUT_NAME ${program})
        leat_test(${room}.${name} unit_${room}_${name})
    endforeach()
endforeach()

# The simulated world is a library too: the fault tests play in it by a script.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/sim/*.c)
list(FILTER sources EXCLUDE REGEX "/main\\.c$")
leat_test_library(sim_world ${sources})
leat_test_program(test_sim tests/sim sim_world ${PROJECT_SOURCE_DIR}/tests/sim/main.c)
leat_test(sim test_sim)

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fault/support/*.c)
leat_test_library(fault_script ${sources})
target_link_libraries(fault_script PUBLIC sim_world)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fault/test_*.c)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM program)
    string(REGEX REPLACE "^test_" "" name ${program})
    leat_test_program(fault_${name} tests/fault fault_script ${source})
    set_target_properties(fault_${name} PROPERTIES OUTPUT_NAME ${program})
    leat_test(fault.${name} fault_${name})
endforeach()

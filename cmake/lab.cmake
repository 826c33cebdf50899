# What the lab measures by, built by the target `lab` and never by default, never installed: lab/interpose and lab/network. A Leat built to
# time its memory (LEAT_TIME_MEMORY) counts by the same file.

add_custom_target(lab)

add_library(lab_interpose MODULE EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/lab/interpose/interpose.c
                                                  ${PROJECT_SOURCE_DIR}/lab/interpose/latency.c
                                                  ${PROJECT_SOURCE_DIR}/lab/interpose/switched.c)
leat_compile(lab_interpose)
target_include_directories(lab_interpose PRIVATE ${PROJECT_SOURCE_DIR}/lab)
set_target_properties(lab_interpose PROPERTIES PREFIX "" OUTPUT_NAME interpose LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lab)
target_link_libraries(lab_interpose PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)

leat_program(lab_latency lab "" ${PROJECT_SOURCE_DIR}/lab/interpose/main.c ${PROJECT_SOURCE_DIR}/lab/interpose/switched.c)
target_include_directories(lab_latency PRIVATE ${PROJECT_SOURCE_DIR}/lab)
set_target_properties(lab_latency PROPERTIES OUTPUT_NAME latency EXCLUDE_FROM_ALL ON)

function(leat_lab_program name)     # build/lab/NAME; uses nothing of ours
    leat_program(lab_${name} lab "" ${ARGN})
    set_target_properties(lab_${name} PROPERTIES OUTPUT_NAME ${name} EXCLUDE_FROM_ALL ON)
endfunction()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lab/network/copies*.c)
leat_lab_program(copies ${sources} ${PROJECT_SOURCE_DIR}/lab/network/ways.c)
leat_lab_program(bulk ${PROJECT_SOURCE_DIR}/lab/network/bulk.c)

add_dependencies(lab lab_interpose lab_latency lab_copies lab_bulk)
if(LEAT_TESTS)
    leat_program(interpose_known tests/interpose "" ${PROJECT_SOURCE_DIR}/tests/interpose/known.c)
    set_target_properties(interpose_known PROPERTIES OUTPUT_NAME known EXCLUDE_FROM_ALL ON)
    add_library(interpose_slow MODULE EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/interpose/slow.c)
    leat_compile(interpose_slow)
    set_target_properties(interpose_slow PROPERTIES PREFIX "" OUTPUT_NAME slow LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/interpose)
    target_link_libraries(interpose_slow PRIVATE ${CMAKE_DL_LIBS})
    add_dependencies(tests lab interpose_known interpose_slow)
endif()

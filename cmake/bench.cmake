# What the benchmarks run, built by the target `bench` and never by default: some of it needs libraries that only
# benchmarks need.

add_custom_target(bench)

function(leat_bench_program target links)
    leat_program(${target} bench "${links}" ${ARGN})
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/bench)
    target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
    add_dependencies(bench ${target})
endfunction()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/memory/*.c)
if(sources)
    leat_bench_program(bench_memory libleat ${sources})
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/million/*.c)
if(sources)
    leat_bench_program(million_client libleat ${sources})
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/wait/*.c)
if(sources)
    leat_bench_program(bench_wait libleat ${sources})
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/floor/*.c)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    string(REGEX REPLACE "^floor_" "" name ${name})
    leat_bench_program(floor_${name} "" ${source})      # the floor uses nothing of ours
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/micro/bench_*.c)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    leat_bench_program(${name} libleat ${source})
endforeach()

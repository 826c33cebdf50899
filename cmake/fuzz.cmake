# One libFuzzer program per harness, fuzz/fuzz_NAME.c → fuzz/fuzz_NAME. Only clang has libFuzzer.

if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "LEAT_FUZZ needs clang: use the preset `fuzz`.")
endif()

add_custom_target(fuzz)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/fuzz_*.c)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    leat_program(${name} fuzz libleat ${source})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz ${name})
endforeach()

# How everything of ours is compiled, and the one way to make a program.

# leat_requires(NAME MODULE): a library that libleat links, as pkg-config knows it. It goes to LEAT_LINKS, and to what the
# installed copy tells of itself (LEAT_REQUIRES for pkg-config, LEAT_FIND_PACKAGES for CMake).
macro(leat_requires name module)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
    list(APPEND LEAT_LINKS PkgConfig::${name})
    string(REPLACE ">=" " >= " requirement ${module})
    list(APPEND LEAT_REQUIRES ${requirement})
    string(APPEND LEAT_FIND_PACKAGES "    pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})\n"
           "    if(NOT ${name}_FOUND)\n        set(leat_STATIC_FOUND FALSE)\n    endif()\n")
endmacro()

function(leat_warnings target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow
        -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla
        $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>) # what snprintf cuts off is handled where it matters
    if(LEAT_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(LEAT_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${LEAT_SANITIZE} -fno-sanitize-recover=all
                                                 -fno-omit-frame-pointer)
        target_link_options(${target} PRIVATE -fsanitize=${LEAT_SANITIZE})
    endif()
endfunction()

function(leat_compile target)
    leat_warnings(${target})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    if(NOT LEAT_METRICS)
        target_compile_definitions(${target} PRIVATE LEAT_METRICS=0)
    endif()
    if(NOT LEAT_PROBES)
        target_compile_definitions(${target} PRIVATE LEAT_PROBES=0)
    endif()
    if(LEAT_TIME_MEMORY)
        target_compile_definitions(${target} PRIVATE LEAT_TIME_MEMORY LEAT_MEASURED)
        target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/lab)
    endif()
    if(LEAT_POOLS STREQUAL "malloc")
        target_compile_definitions(${target} PRIVATE LEAT_POOLS_MALLOC LEAT_MEASURED)
    endif()
    if(LEAT_DEBUG)
        target_compile_definitions(${target} PRIVATE LEAT_DEBUG)
    endif()
endfunction()

# leat_program(TARGET FOLDER LINKS SOURCES…): LINKS is a list of what it is linked with, one quoted argument.
function(leat_program target folder links)
    add_executable(${target} ${ARGN})
    leat_compile(${target})
    target_link_libraries(${target} PRIVATE ${links} ${LEAT_LINKS} Threads::Threads)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
endfunction()

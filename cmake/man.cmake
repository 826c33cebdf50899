# The manual, the reference on one page, the example configuration and the shell's completion, made by man/generate.c from
# man/*.in, the tables of options and the installed headers; all in the folder man/ of the build.

if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(STATUS "cross-compiling without an emulator: no manual pages")
    return()
endif()

file(GLOB templates CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.in)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.c)
file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/leat/*.h)
list(REMOVE_ITEM headers ${PROJECT_SOURCE_DIR}/include/leat/leat.h)
list(PREPEND headers ${PROJECT_SOURCE_DIR}/include/leat/leat.h)
string(TIMESTAMP today %Y-%m-%d UTC)        # SOURCE_DATE_EPOCH's day where that is set
leat_program(man_generate man-tools libleat ${sources})
set_target_properties(man_generate PROPERTIES OUTPUT_NAME generate)
set(man ${PROJECT_BINARY_DIR}/man)
add_custom_command(OUTPUT ${man}.stamp
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${man}
    COMMAND man_generate ${man} ${today} ${headers} ${templates}
    COMMAND ${CMAKE_COMMAND} -E touch ${man}.stamp
    DEPENDS man_generate ${headers} ${templates}
    COMMENT "Writing the manual" VERBATIM)
add_custom_target(man ALL DEPENDS ${man}.stamp)

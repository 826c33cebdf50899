# leat-top, which `leat top` becomes: cli/top/*.c. It needs ncurses and Jansson, which the server does not; where they are
# missing it is left out, and configure says so. All but its main is a library for the tests: top_parts.

pkg_check_modules(top_ncurses IMPORTED_TARGET ncursesw)
pkg_check_modules(top_jansson IMPORTED_TARGET jansson>=2.14)
if(NOT top_ncurses_FOUND OR NOT top_jansson_FOUND)
    message(STATUS "ncurses or Jansson is missing: no leat top (Debian: libncurses-dev, libjansson-dev)")
    return()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/top/*.c)
list(FILTER sources EXCLUDE REGEX "/(main|screen)\\.c$")
add_library(top_parts STATIC ${sources})
leat_compile(top_parts)
target_include_directories(top_parts PUBLIC ${PROJECT_SOURCE_DIR}/cli/top)
target_compile_definitions(top_parts PRIVATE _GNU_SOURCE)
target_link_libraries(top_parts PUBLIC address_parts PkgConfig::top_jansson libleat m)

leat_program(leat-top . top_parts ${PROJECT_SOURCE_DIR}/cli/top/main.c ${PROJECT_SOURCE_DIR}/cli/top/screen.c)
target_link_libraries(leat-top PRIVATE PkgConfig::top_ncurses)
add_dependencies(product leat-top)

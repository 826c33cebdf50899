# The tools of the command that measure: `leat load` and `leat compare`. Each is a library for the tests, and the command is
# linked to both: they need nothing that it has not. Drawings are cli/plot.

set(tool_parts "")
foreach(tool IN ITEMS address plot load compare)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/${tool}/*.c)
    if(sources)
        add_library(${tool}_parts STATIC ${sources})
        leat_compile(${tool}_parts)
        target_include_directories(${tool}_parts PUBLIC ${PROJECT_SOURCE_DIR}/cli)
        target_compile_definitions(${tool}_parts PRIVATE _GNU_SOURCE)
        target_link_libraries(${tool}_parts PUBLIC ${tool_parts} libleat m)
        list(PREPEND tool_parts ${tool}_parts)
    endif()
endforeach()

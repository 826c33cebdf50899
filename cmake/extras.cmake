# leat_extra(NAME HEADER MODULE…): src/extra/NAME/*.c becomes libleat-NAME, static and shared, which links libleat and the
# modules (as pkg-config knows them). Missing modules: it is left out, and configure says so. It uses the installed API
# and nothing else, so that it could be anybody's. LEAT_EXTRAS is the list of those that are built.
set(LEAT_EXTRAS "")

function(leat_extra name)
    set(links "")
    foreach(module IN LISTS ARGN)
        string(REGEX REPLACE "[^a-z0-9]+" "_" id ${module})
        pkg_check_modules(extra_${id} IMPORTED_TARGET ${module})
        if(NOT extra_${id}_FOUND)
            message(STATUS "${module} is missing: no libleat-${name}")
            return()
        endif()
        list(APPEND links PkgConfig::extra_${id})
    endforeach()
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/extra/${name}/*.c)
    add_library(libleat-${name} STATIC ${sources})
    add_library(leat::${name} ALIAS libleat-${name})
    set_target_properties(libleat-${name} PROPERTIES OUTPUT_NAME leat-${name})
    leat_warnings(libleat-${name})
    target_include_directories(libleat-${name} PUBLIC ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(libleat-${name} PUBLIC libleat PRIVATE ${links})
    add_dependencies(product libleat-${name})
    list(JOIN ARGN "\n" modules)
    file(WRITE ${PROJECT_BINARY_DIR}/extras/leat-${name} "${modules}\n") # for the tests of doc/cookbook
    list(APPEND LEAT_EXTRAS ${name})
    set(LEAT_EXTRAS ${LEAT_EXTRAS} PARENT_SCOPE)
endfunction()

# One line for each folder of src/extra.
leat_extra(compress zlib libbrotlienc libbrotlidec libzstd)
leat_extra(regex libpcre2-8>=10.30)
leat_extra(json jansson>=2.14)

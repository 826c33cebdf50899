# leat_extra(NAME MODULE…): src/extra/NAME/*.c becomes libleat-NAME, a static library, which links libleat and the modules (as
# pkg-config knows them). Missing modules: it is left out, and configure says so. It uses the installed API and nothing
# else, so that it could be anybody's. LEAT_EXTRAS is the list of those that are built; they are installed with what
# pkg-config (leat-NAME) and CMake (leat::NAME) need to find them.
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
    set_target_properties(libleat-${name} PROPERTIES OUTPUT_NAME leat-${name} EXPORT_NAME ${name}
                                                     POSITION_INDEPENDENT_CODE ON)
    leat_warnings(libleat-${name})
    target_include_directories(libleat-${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
    target_link_libraries(libleat-${name} PUBLIC $<BUILD_INTERFACE:libleat> $<INSTALL_INTERFACE:leat::chosen>
                                          PRIVATE ${links})
    add_dependencies(product libleat-${name})
    list(JOIN ARGN "\n" modules)
    file(WRITE ${PROJECT_BINARY_DIR}/extras/leat-${name} "${modules}\n") # for the tests of doc/cookbook
    set(LEAT_EXTRA_${name}_MODULES ${ARGN} PARENT_SCOPE)
    list(APPEND LEAT_EXTRAS ${name})
    set(LEAT_EXTRAS ${LEAT_EXTRAS} PARENT_SCOPE)
endfunction()

# leat_install_extra(NAME): what cmake/install.cmake calls for each. LEAT_FIND_EXTRAS is what leatConfig.cmake says of them:
# one whose modules are not there has no target.
function(leat_install_extra name)
    install(TARGETS libleat-${name} EXPORT leat-${name} COMPONENT leat-dev)
    install(EXPORT leat-${name} NAMESPACE leat:: DESTINATION ${LEAT_CMAKE_DIR} FILE leat-${name}Targets.cmake
            COMPONENT leat-dev)
    add_dependencies(installed libleat-${name})
    set(LEAT_EXTRA ${name})
    string(REPLACE ">=" " >= " LEAT_EXTRA_REQUIRES "${LEAT_EXTRA_${name}_MODULES}")
    list(JOIN LEAT_EXTRA_REQUIRES ", " LEAT_EXTRA_REQUIRES)
    configure_file(cmake/leat-extra.pc.in leat-${name}.pc @ONLY)
    leat_install_text(${PROJECT_BINARY_DIR}/leat-${name}.pc PREFIX "\${CMAKE_INSTALL_PREFIX}"
                      ${CMAKE_INSTALL_LIBDIR}/pkgconfig leat-dev)
    set(find "set(leat_extra_FOUND \${PkgConfig_FOUND})\n")
    foreach(module IN LISTS LEAT_EXTRA_${name}_MODULES)
        string(REGEX REPLACE "[^a-z0-9]+" "_" id ${module})
        string(APPEND find "if(leat_extra_FOUND)\n    pkg_check_modules(extra_${id} QUIET IMPORTED_TARGET ${module})\n"
               "    set(leat_extra_FOUND \${extra_${id}_FOUND})\nendif()\n")
    endforeach()
    string(APPEND find "if(leat_extra_FOUND AND TARGET leat::leat)\n"
           "    include(\${CMAKE_CURRENT_LIST_DIR}/leat-${name}Targets.cmake)\nendif()\n")
    set(LEAT_FIND_EXTRAS "${LEAT_FIND_EXTRAS}${find}" PARENT_SCOPE)
endfunction()

# One line for each folder of src/extra.
leat_extra(compress zlib libbrotlienc libbrotlidec libzstd)
leat_extra(regex libpcre2-8>=10.30)
leat_extra(json jansson>=2.14)

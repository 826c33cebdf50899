# What `cmake --install` puts where (GNUInstallDirs). There are two components, as packagers split them: `leat`, the
# command and what belongs to running it, and `leat-dev`, what a program is built with; the shared library itself is
# `libleat`. `installed` is the target that builds all of it.

include(CMakePackageConfigHelpers)
set(LEAT_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/leat)

add_custom_target(installed DEPENDS product)

# leat_install_text(FILE FROM TO DESTINATION COMPONENT): a file that names where it is installed, which is certain only
# then (cmake --install --prefix): every FROM in it becomes TO.
function(leat_install_text file from to destination component)
    cmake_path(GET file FILENAME name)
    set(made ${PROJECT_BINARY_DIR}/placed/${name})
    install(CODE "file(READ \"${file}\" text)
                  string(REPLACE \"${from}\" \"${to}\" text \"\${text}\")
                  file(WRITE \"${made}\" \"\${text}\")" COMPONENT ${component})
    install(FILES ${made} DESTINATION ${destination} COMPONENT ${component})
endfunction()

# ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────

if(TARGET leat)
    install(TARGETS leat COMPONENT leat)
endif()
if(TARGET leat-top)
    install(TARGETS leat-top COMPONENT leat)
endif()
if(TARGET man)
    add_dependencies(installed man)
    foreach(section 1 5)
        install(DIRECTORY ${PROJECT_BINARY_DIR}/man/man${section} DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT leat)
    endforeach()
    install(DIRECTORY ${PROJECT_BINARY_DIR}/man/man3 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT leat-dev)
    install(FILES ${PROJECT_BINARY_DIR}/man/REFERENCE.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT leat-dev)
    install(FILES ${PROJECT_BINARY_DIR}/man/leat.bash RENAME leat
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT leat)
    install(FILES ${PROJECT_BINARY_DIR}/man/leat.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT leat)
endif()

file(GLOB units CONFIGURE_DEPENDS packaging/systemd/*.service packaging/systemd/*.socket)
set(LEAT_UNIT_DIR lib/systemd/system CACHE STRING "Where systemd's units go")
foreach(unit IN LISTS units)
    leat_install_text(${unit} /usr/bin/leat "\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/leat" ${LEAT_UNIT_DIR} leat)
endforeach()
install(FILES packaging/systemd/leat.sysusers RENAME leat.conf DESTINATION lib/sysusers.d COMPONENT leat)

file(GLOB scripts CONFIGURE_DEPENDS packaging/bpftrace/*.bt)
install(FILES ${scripts} DESTINATION ${CMAKE_INSTALL_DATADIR}/leat/bpftrace COMPONENT leat)
file(GLOB dashboards CONFIGURE_DEPENDS packaging/grafana/*.json)
install(FILES ${dashboards} DESTINATION ${CMAKE_INSTALL_DATADIR}/leat/grafana COMPONENT leat)
leat_install_text(${PROJECT_SOURCE_DIR}/packaging/grafana/leat.yaml /usr/share
                  "\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}" ${CMAKE_INSTALL_DATADIR}/leat/grafana leat)
file(GLOB rules CONFIGURE_DEPENDS packaging/prometheus/*.yml)
install(FILES ${rules} DESTINATION ${CMAKE_INSTALL_DATADIR}/leat/prometheus COMPONENT leat)

# The lab, which `leat lab` becomes (with python3), and what it has of bench/. It is read by an interpreter that is named when
# it is run, so it is no program here, and has no line that names one.
install(DIRECTORY lab/ DESTINATION ${CMAKE_INSTALL_DATADIR}/leat/lab COMPONENT leat
        FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ
        PATTERN run EXCLUDE PATTERN results EXCLUDE PATTERN __pycache__ EXCLUDE PATTERN node_modules EXCLUDE
        PATTERN target EXCLUDE PATTERN .gitignore EXCLUDE
        REGEX "/network/(vm|guest)$" EXCLUDE)     # they take the source tree
leat_install_text(${PROJECT_SOURCE_DIR}/lab/run "#!/usr/bin/env python3\n" "" ${CMAKE_INSTALL_DATADIR}/leat/lab leat)
install(FILES bench/process.py bench/medians.py bench/slab.py DESTINATION ${CMAKE_INSTALL_DATADIR}/leat/bench COMPONENT leat)

install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT leat)
install(DIRECTORY doc/ DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT leat FILES_MATCHING PATTERN "*.md")

# ── The library ──────────────────────────────────────────────────────────────────────────────────────────────────

install(DIRECTORY include/leat DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT leat-dev)
install(TARGETS libleat EXPORT leat-static COMPONENT leat-dev)
install(EXPORT leat-static NAMESPACE leat:: DESTINATION ${LEAT_CMAKE_DIR} FILE leatStaticTargets.cmake
        COMPONENT leat-dev)
if(LEAT_SHARED)
    add_dependencies(installed libleat_shared)
    install(TARGETS libleat_shared EXPORT leat-shared
            LIBRARY COMPONENT libleat NAMELINK_COMPONENT leat-dev)
    install(EXPORT leat-shared NAMESPACE leat:: DESTINATION ${LEAT_CMAKE_DIR} FILE leatTargets.cmake
            COMPONENT leat-dev)
endif()

# Programs that link the shared library need none of what it needs itself. Where there is no shared one, they do.
list(JOIN LEAT_REQUIRES ", " LEAT_REQUIRES_PRIVATE)
set(LEAT_REQUIRES_ALWAYS "")
if(NOT LEAT_SHARED)
    set(LEAT_REQUIRES_ALWAYS ${LEAT_REQUIRES_PRIVATE})
endif()
configure_file(cmake/leat.pc.in leat.pc @ONLY)
leat_install_text(${PROJECT_BINARY_DIR}/leat.pc PREFIX "\${CMAKE_INSTALL_PREFIX}" ${CMAKE_INSTALL_LIBDIR}/pkgconfig leat-dev)

set(LEAT_FIND_EXTRAS "")
foreach(extra IN LISTS LEAT_EXTRAS)
    leat_install_extra(${extra})
endforeach()

configure_package_config_file(cmake/leatConfig.cmake.in leatConfig.cmake INSTALL_DESTINATION ${LEAT_CMAKE_DIR}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(leatConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/leatConfig.cmake ${PROJECT_BINARY_DIR}/leatConfigVersion.cmake
        DESTINATION ${LEAT_CMAKE_DIR} COMPONENT leat-dev)

file(GLOB examples CONFIGURE_DEPENDS examples/*.c)
install(FILES ${examples} DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT leat-dev)

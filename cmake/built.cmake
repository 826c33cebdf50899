# pkg-config for what has been built and not installed: PKG_CONFIG_PATH=build/release/pkgconfig finds leat, and the libraries
# beside it, where they lie. They are the static ones: a program needs no path to run.

# leat_built(NAME FILE REQUIRES…)
function(leat_built name file)
    list(JOIN ARGN ", " requires)
    string(REGEX REPLACE " *>= *" " >= " requires "${requires}")
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc CONTENT "Name: ${name}
Description: ${PROJECT_DESCRIPTION}, as it was built
Version: ${PROJECT_VERSION}
Requires: ${requires}
Cflags: -I${PROJECT_SOURCE_DIR}/include
Libs: ${PROJECT_BINARY_DIR}/${file} -pthread
")
endfunction()

leat_built(leat libleat.a ${LEAT_REQUIRES})
foreach(extra IN LISTS LEAT_EXTRAS)
    leat_built(leat-${extra} libleat-${extra}.a "leat = ${PROJECT_VERSION}" ${LEAT_EXTRA_${extra}_MODULES})
endforeach()

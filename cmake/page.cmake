# The live page's files, made into one C file that is compiled into the library: plain, and compressed where this machine has
# gzip. The same files make the same C file. Each row of PAGE_FILES is NAME|MEDIA TYPE|FILE; a new file of the page needs a row.
set(page ${PROJECT_SOURCE_DIR}/src/admin/page)
set(uplot ${PROJECT_SOURCE_DIR}/third_party/uplot)
set(PAGE_FILES
    "index.html|text/html\; charset=utf-8|${page}/index.html"
    "token.html|text/html\; charset=utf-8|${page}/token.html"
    "style.css|text/css\; charset=utf-8|${page}/style.css"
    "icon.svg|image/svg+xml|${page}/icon.svg"
    "theme.js|text/javascript\; charset=utf-8|${page}/theme.js"
    "app.js|text/javascript\; charset=utf-8|${page}/app.js"
    "feed.js|text/javascript\; charset=utf-8|${page}/feed.js"
    "format.js|text/javascript\; charset=utf-8|${page}/format.js"
    "charts.js|text/javascript\; charset=utf-8|${page}/charts.js"
    "heat.js|text/javascript\; charset=utf-8|${page}/heat.js"
    "leat.js|text/javascript\; charset=utf-8|${page}/leat.js"
    "tables.js|text/javascript\; charset=utf-8|${page}/tables.js"
    "uplot.js|text/javascript\; charset=utf-8|${uplot}/uPlot.iife.min.js"
    "uplot.css|text/css\; charset=utf-8|${uplot}/uPlot.min.css")

set(page_inputs "")
set(page_rows "")
foreach(row IN LISTS PAGE_FILES)
    string(REPLACE "\;" ";" row "${row}")
    string(REGEX REPLACE "^.*\\|" "" file "${row}")
    list(APPEND page_inputs "${file}")
    string(APPEND page_rows "${row}\n")
endforeach()
find_program(LEAT_GZIP gzip DOC "Compresses the live page; without it the page is sent as it is")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/page/rows.txt CONTENT "${page_rows}" @ONLY)
set(LEAT_PAGE_SOURCE ${PROJECT_BINARY_DIR}/page/page_files.c)
add_custom_command(OUTPUT ${LEAT_PAGE_SOURCE}
    COMMAND ${CMAKE_COMMAND} -D ROWS=${PROJECT_BINARY_DIR}/page/rows.txt -D OUT=${LEAT_PAGE_SOURCE} -D GZIP=${LEAT_GZIP}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${page_inputs} ${PROJECT_BINARY_DIR}/page/rows.txt ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Embedding the live page" VERBATIM)
add_custom_target(page_files DEPENDS ${LEAT_PAGE_SOURCE})

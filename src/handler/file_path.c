/* file_path.c: see file_path.h. Paths here are decoded and have no slash in front, but for the one whose clean form is
 * asked for: that one is as it was sent, because a redirect is made of it. */
#include "handler/file_path.h"

bool leat__files_is_servable(const char *path)
{
    static const char well_known[] = ".well-known";
    for (const char *segment = path; *segment != '\0';) {
        size_t size = strcspn(segment, "/");
        bool is_well_known = size == sizeof well_known - 1 && memcmp(segment, well_known, size) == 0;
        if (size == 0 || (segment[0] == '.' && !is_well_known))
            return false;
        segment += size;
        segment += *segment == '/';
    }
    return true;
}

size_t leat__file_path_write(char out[FILE_PATH_MAX], const struct leat_files *files,
                             const char *path, size_t size, enum file_how how, enum http_coding coding)
{
    static const char *const suffixes[CODING_COUNT] = {"", ".br", ".gz"};
    const char *behind = how == FILE_INDEX ? files->index : how == FILE_HTML ? ".html" : "";
    size_t behind_size = strlen(behind), suffix_size = strlen(suffixes[coding]);
    if (size >= FILE_PATH_MAX || behind_size >= FILE_PATH_MAX ||
        size + behind_size + suffix_size >= FILE_PATH_MAX)
        return 0;
    memcpy(out, path, size);
    memcpy(out + size, behind, behind_size);
    size += behind_size;
    memcpy(out + size, suffixes[coding], suffix_size + 1);
    return size + suffix_size;
}

static bool ends_with(const char *text, size_t size, const char *end)
{
    size_t end_size = strlen(end);
    return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

size_t leat__file_path_unclean(const struct leat_files *files, const char *path, size_t size)
{
    size_t index_size = strlen(files->index);
    if (size > index_size && path[size - index_size - 1] == '/' && ends_with(path, size, files->index))
        return index_size;
    if (size > 6 && path[size - 6] != '/' && ends_with(path, size, ".html"))
        return 5;
    return 0;
}

bool leat__file_path_is_page(const char *path, size_t size)
{
    while (size > 0 && path[size - 1] != '/')
        if (path[--size] == '.')
            return false;
    return true;
}

/* On a mismatch the last star takes one octet more: the stars before it need never be asked again. */
bool leat__file_pattern_fits(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;
    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == *text) {
            if (*text == '\0')
                return true;
            pattern++;
            text++;
        } else if (star != NULL && *retry != '\0') {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
}

const struct file_rule *leat__file_rule_find(const struct leat_files *files, const char *path)
{
    char rooted[FILE_PATH_MAX + 1];
    size_t size = strlen(path);
    if (files->rule_count == 0 || size >= FILE_PATH_MAX)
        return NULL;
    rooted[0] = '/';
    memcpy(rooted + 1, path, size + 1);
    for (uint32_t i = 0; i < files->rule_count; i++)
        if (leat__file_pattern_fits(files->rules[i].pattern, rooted))
            return &files->rules[i];
    return NULL;
}

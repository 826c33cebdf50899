/* verbs.h: the verbs of the `leat` command. One row each, one file each. */
#ifndef LEAT_VERBS_H
#define LEAT_VERBS_H

struct verb {
    const char *name;
    const char *usage;                 /* behind "leat " */
    const char *about;                 /* half a line */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; answers the exit status */
};

/* What was printed goes out: status, or that of a full disk, which is told. */
int leat__end_output(int status);

int leat__verb_serve(int argc, char **argv);
int leat__verb_plan(int argc, char **argv);
int leat__verb_doctor(int argc, char **argv);
int leat__verb_bundle(int argc, char **argv);
int leat__verb_top(int argc, char **argv);
int leat__verb_load(int argc, char **argv);
int leat__verb_compare(int argc, char **argv);
int leat__verb_lab(int argc, char **argv);

#endif

/* A function that makes children, for a runtime that is process 1 of a pid namespace. The event says what it does:
 *
 *   orphans    a hundred children make a child each and end; answers how many of those became children of process 1
 *   processes  how many processes there are, zombies among them, as "all zombies"
 *   status     a child ends with 7 and lies there ended while a hundred orphans end; answers its status
 */

#define _GNU_SOURCE
#include "instance.h"
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only calls that are allowed after a fork in a process with threads. */
static void orphan(int pipe) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child > 0) _exit(0);
    if (child < 0) _exit(1);
    while (getppid() == parent) sched_yield();
    char adopted = getppid() == 1;
    if (write(pipe, &adopted, 1) != 1) _exit(1);
    _exit(0);
}

/* How many of a hundred orphans were adopted by process 1; comes back when all of them have ended. */
static int orphans(void) {
    int ends[2], adopted = 0;
    char one;
    if (pipe(ends)) return -1;
    for (int at = 0; at < 100; at++) {
        pid_t child = fork();
        if (child == 0) orphan(ends[1]);
        if (child < 0 || waitpid(child, NULL, 0) != child) return -1;
    }
    close(ends[1]);
    while (read(ends[0], &one, 1) == 1) adopted += one;
    close(ends[0]);
    return adopted;
}

static int status_of_a_child(void) {
    siginfo_t info;
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(7);
    /* It has ended and is not collected. */
    if (child < 0 || waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT)) return -1;
    if (orphans() != 100) return -2;
    if (waitpid(child, &status, 0) != child) return -3;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -4;
}

static void count(int *all, int *zombies) {
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char path[300], line[300];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        if (fgets(line, sizeof line, file)) {
            char *state = strrchr(line, ')');
            ++*all;
            *zombies += state && strncmp(state, ") Z", 3) == 0;
        }
        fclose(file);
    }
    if (folder) closedir(folder);
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes wish = host->body(inv);
    char *text = host->scratch(inv, 40, 1);
    int all = 0, zombies = 0;
    if (!text) return FAAS_E_INTERNAL;
    if (wish.len == 7 && memcmp(wish.ptr, "orphans", 7) == 0) snprintf(text, 40, "%d", orphans());
    else if (wish.len == 6 && memcmp(wish.ptr, "status", 6) == 0) snprintf(text, 40, "%d", status_of_a_child());
    else count(&all, &zombies), snprintf(text, 40, "%d %d", all, zombies);
    faas_buf body = {(const uint8_t *)text, strlen(text), NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

FUNCTION_ENTRY(children, "children", FAAS_IS_BLOCKING, 0, invoke, NULL);
static const faas_function *const functions[] = {&children_entry};

MODULE("children")

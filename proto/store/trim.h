/*
 * trim - memory that a process holds only because it has read a mapped file: the pages are the
 * page cache's, and the kernel counts them as the process's until somebody says otherwise.
 * Thread rule: any thread.
 */
#ifndef RELAIS_STORE_TRIM_H
#define RELAIS_STORE_TRIM_H

/* Gives back the pages of the file that is mapped at `inside`. Nothing is lost and every pointer
 * stays good: what is read again is mapped again. Does nothing where `inside` is not in a shared
 * mapping of a file that cannot be written through. */
void trim_mapping(const void *inside);

#endif

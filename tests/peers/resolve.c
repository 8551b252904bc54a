/* Resolves names as a program of a musl distribution does: each address of a name with the name of that address. */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *one;
	char address[64], name[256];
	int error = argc == 2 ? getaddrinfo(argv[1], NULL, &hints, &found) : EAI_NONAME;

	if (error) {
		fprintf(stderr, "%s\n", gai_strerror(error));
		return 2;
	}
	for (one = found; one; one = one->ai_next) {
		getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST);
		error = getnameinfo(one->ai_addr, one->ai_addrlen, name, sizeof name, NULL, 0, NI_NAMEREQD);
		printf("%s %s\n", address, error ? "-" : name);
	}
	return 0;
}

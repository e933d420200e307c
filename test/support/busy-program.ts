// A main module that is busy from its first line and never begins to serve orders.
for (;;) Math.sqrt(Math.random());

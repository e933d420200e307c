// A main module that is busy from its first line on, so that it never serves an order.
for (;;) Math.sqrt(Math.random());

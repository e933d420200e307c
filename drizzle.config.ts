import { defineConfig } from 'drizzle-kit';

// For `npx drizzle-kit generate`. A migration that was released is never edited: add the next one.
export default defineConfig({ dialect: 'postgresql', schema: './db/schema.ts', out: './db/migrations' });

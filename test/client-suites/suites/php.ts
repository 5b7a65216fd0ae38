// php.ts: the suites of phpredis and predis.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../support/source-package.ts'
import { sourceOf } from '../cache.ts'
import { readJunit, readPhpredis } from '../results.ts'
import type { Suite } from '../suite.ts'

export const phpredis: Suite = {
  name: 'phpredis',
  library: () => `phpredis ${run('php', ['-r', 'echo phpversion("redis");'])}`,
  layOut: folder => sourceOf('php-redis', folder),
  command: (folder, { host, port }) => ({
    argv: ['php', join(folder, 'tests', 'TestRedis.php'), '--nocolors', '--host', host, '--port', String(port)],
  }),
  read: readPhpredis,
}

/** They connect to addresses outside of this machine. */
const outside = '/ConnectionTimeout|UnreacheableDestination/'

export const predis: Suite = {
  name: 'predis',
  library: folder => `predis ${readFileSync(join(folder, 'VERSION'), 'utf8').trim()}`,
  layOut: folder => {
    sourceOf('php-nrk-predis', folder)
    for (const name of readdirSync(join(folder, 'tests'), { recursive: true, encoding: 'utf8' })) {
      const file = join(folder, 'tests', name)
      if (name.endsWith('.php')) writeFileSync(file, staticProviders(readFileSync(file, 'utf8')))
    }
    const file = join(folder, 'tests', 'PHPUnit', 'PredisTestCase.php')
    writeFileSync(file, forPhpunit11(readFileSync(file, 'utf8')))
  },
  command: (folder, { port, report }) => {
    const config = join(folder, `phpunit.${port}.xml`)
    const text = readFileSync(join(folder, 'phpunit.xml.dist'), 'utf8')
    writeFileSync(config, text.replace('PORT" value="6379"', `PORT" value="${port}"`))
    const words = ['--no-coverage', '--group', 'connected', '--exclude-filter', outside, '--log-junit', report]
    return { argv: ['phpunit', '-c', config, ...words] }
  },
  read: readJunit,
}

/** The suite is written for PHPUnit 9; since then a provider of data must be static. */
const staticProviders = (source: string): string =>
  source.replace(/public function ((?!test)\w*[pP]rovide\w*|dataFilterArguments)\(/g, 'public static function $1(')

/** It reads annotations by functions that PHPUnit has dropped, and has its own version of one that is final now. */
function forPhpunit11(source: string): string {
  const regular = source.indexOf('    public static function assertMatchesRegularExpression')
  const next = source.indexOf('    /**\n', regular)
  const without = source.slice(0, source.lastIndexOf('    /**\n', regular)) + source.slice(next)
  const setUp = without.indexOf('    protected function setUp')
  const before = without.lastIndexOf('    /**\n', setUp)
  return (without.slice(0, before) + annotations + without.slice(before))
    .replaceAll('$this->getName(false)', '$this->name()')
    .replaceAll('TestUtil::parseTestMethodAnnotations(', 'self::annotationsOf(')
}

const annotations = `    private static function annotationsOf(string $class, string $method): array
    {
        $read = static function ($text): array {
            preg_match_all('/@(?<name>[A-Za-z_-]+)(?:[ \\t]+(?<value>.*?))?[ \\t]*\\r?$/m', (string) $text, $all, PREG_SET_ORDER);
            $found = [];
            foreach ($all as $one) $found[$one['name']][] = $one['value'] ?? '';
            return $found;
        };
        return [
            'class' => $read((new \\ReflectionClass($class))->getDocComment()),
            'method' => $read((new \\ReflectionMethod($class, $method))->getDocComment()),
        ];
    }

`

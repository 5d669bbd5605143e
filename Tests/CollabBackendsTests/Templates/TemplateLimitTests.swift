import Collab
import CollabBackends
import Testing

@Suite("What a chat template may take")
struct TemplateLimitTests {
    /// Each goes through much text or many elements again and again, or looks for what is nearly there everywhere.
    private static let greedy: [String] = [
        "{% set s = 'a' * 1000000 %}{% set t = 'a' * 500000 ~ 'b' %}{{ s.find(t) }}",
        "{% set s = 'a' * 1000000 %}{% set t = 'b' ~ 'a' * 500000 %}{{ s.rfind(t) }}",
        "{% set s = 'a' * 1000000 %}{% set t = 'a' * 500000 ~ 'b' %}{{ t in s }}",
        "{% set s = 'a' * 1000000 %}{% set t = 'a' * 500000 ~ 'b' %}{{ s.replace(t, '') | length }}",
        "{% set s = 'a' * 1000000 %}{% set t = 'a' * 500000 ~ 'b' %}{{ s.count(t) }}",
        "{{ (',' * 200000).rsplit(',') | length }}",
        "{% set s = 'a b ' * 250000 %}{% for i in r %}{{ s | wordcount }}{% endfor %}",
        "{% set s = '1' * 1000000 %}{% for i in r %}{{ s | int }}{% endfor %}",
        "{% set s = '1' * 1000000 %}{% for i in r %}{{ s | float }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in r %}{{ s | trim('a') }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in r %}{{ s | title | length }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in r %}{{ s is lower }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in r %}{% set m = {s: 1} %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% set m = {s: 1} %}{% for i in r %}{{ m[s] }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% set m = {s: 1} %}{% for i in r %}{{ s in m }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% set m = {s: 1} %}{% for i in r %}{{ m.get(s) }}{% endfor %}",
        "{% set l = [0] * 100000 %}{% for i in r %}{{ l | select | list | length }}{% endfor %}",
        "{% set l = [0] * 100000 %}{% for i in r %}{{ cycler(*l) }}{% endfor %}",
        "{{ 'x'.startswith(('y' * 4000000,) * 200000) }}",
        "{{ ('y' * 100000).startswith(('y' * 99999 ~ 'z',) * 200000) }}",
        "{{ ('y' * 100000).endswith(('y' * 99998 ~ 'zy',) * 200000) }}",
        "{% set b = 'y' * 4000000 %}{% for i in range(15000) %}{{ 'x'.find(b) }}{% endfor %}",
        "{% set b = 'y' * 100000 %}{% for i in r %}{{ 'x'.strip(b) }}{% endfor %}",
        "{% set b = 'y' * 100000 %}{% for i in r %}{{ 'x' | truncate(200000, end=b) }}{% endfor %}",
        "{% set m = {'a': 1} %}{{ m[('y' * 4000000,) * 200000] }}",
        "{% set t = ('y',) %}" + String(repeating: "{% set t = (t, t) %}", count: 60) + "{{ {'a': 1}[t] }}",
        "{% set s = 'a' * 1000000 %}{% for i in r %}{{ (s % ()) | length }}{% endfor %}",
        "{% for i in r %}{{ '{:.100000f}'.format(1.5) | length }}{% endfor %}",
        "{% for i in r %}{{ '{:0100000,}'.format(i) | length }}{% endfor %}",
        "{{ ('{0:{0}}' * 200000).format(1) | length }}",
        "{% set m = {'a' * 1000000: 1} %}{% for i in r %}{{ ('{0[' ~ 'a' * 1000000 ~ ']}').format(m) }}{% endfor %}",
    ]

    @Test("Whatever it does, it ends soon, with its text or with a limit that it has met", arguments: greedy)
    func soon(_ source: String) throws {
        let template = try ChatTemplate(source: "{% set r = range(90000) %}" + source)
        let start = ContinuousClock.now
        do throws(CollabError) {
            _ = try template.render(messages: [] as [Message])
        } catch {
            #expect(error.code == .unsupported || error.code == .invalidRequest, "\(error)")
        }
        let time = ContinuousClock.now - start
        // Unoptimised and beside other tests; without the limits these take minutes or hours.
        #expect(time < .seconds(30))
    }

    @Test(
        "A width or precision beyond all bounds is refused before anything is made of it",
        arguments: [
            "'{:1000000000}'.format(1)", "'{:1000000000}'.format('a')",
            "'{:🙂>9000000000000000000}'.format('a')",
            "'{:01000000000}'.format(1)", "'{:01000000000,}'.format(1)", "'{:.1000000000f}'.format(1.5)",
            "'{:.1000000000e}'.format(1)", "'{:#.1000000000}'.format(1.5)", "'{:.2147483647g}'.format(1.5)",
            "'{:{}}'.format('a', 1000000000)", "'{:99999999999999999999999999}'.format(1)",
            "'{:0=99999999999999999999999999_b}'.format(1)", "('{:4000000}' * 40).format(*range(40))",
        ]
    )
    func widths(_ expression: String) throws {
        let template = try ChatTemplate(source: "{{ \(expression) | length }}")
        let start = ContinuousClock.now
        let error = #expect(throws: CollabError.self) { try template.render(messages: [] as [Message]) }
        #expect(error?.code == .unsupported)
        #expect(
            error?.message.contains("too long") == true || error?.message.contains("too much text") == true
        )
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test(
        "What it hands to a method or looks up counts by its size",
        arguments: [
            "'x'.find(b)", "'x'.rfind(b)", "'x'.count(b)", "'x'.removeprefix(b)", "'x'.removesuffix(b)",
            "'x'.replace(b, '')", "'x'.replace('x', b)", "'x' | replace(b, '')", "'x'.split(b)",
            "'x'.rsplit(b)", "'x'.partition(b)", "'x'.rpartition(b)", "'x'.strip(b)", "'x' | trim(b)",
            "b % ()", "b.format()", "'x'.format_map({b: 1})", "b.casefold()", "{'a': 1}[(b,)]",
            "{'a': 1}.get((b,))", "{'a': 1}[((b,),)]", "(b,) in {'a': 1}",
            "{(b,): 1}", "[(b,)] | unique | list",
        ]
    )
    func arguments(_ expression: String) throws {
        let template = try ChatTemplate(source: "{% set b = 'y' * 4000000 %}{% set c = \(expression) %}")
        let error = #expect(throws: CollabError.self) { try template.render(messages: [] as [Message]) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("too many steps") == true)
    }

    @Test("Beginnings and endings that are longer than the text cost nothing and do not match")
    func longAffixes() throws {
        let template = try ChatTemplate(
            source: "{% set b = 'y' * 4000000 %}{{ 'xy'.startswith(b) }} {{ 'xy'.endswith((b, 'z')) }} "
                + "{{ 'xy'.startswith((b, 'x')) }} {{ 'xy'.endswith((b, 'y', b)) }} {{ 'xy'.endswith('xy') }}"
        )
        #expect(try template.render(messages: [] as [Message]) == "False False True True True")
    }

    @Test(
        "A long text may be asked again and again what it is",
        arguments: ["is string", "is defined", "is not none", "is iterable"]
    )
    func immediateTests(_ test: String) throws {
        let template = try ChatTemplate(
            source: "{% for m in messages %}{% if messages[0].content \(test) %}x{% endif %}{% endfor %}"
        )
        let instructions = String(repeating: "Be kind. ", count: 12_000)
        let messages = [Message.system(instructions)] + (0..<400).map { .user("Message \($0)") }
        #expect(try template.render(messages: messages) == String(repeating: "x", count: 401))
    }

    @Test("Rendering ends when its task is cancelled")
    func cancellation() async throws {
        let template = try ChatTemplate(
            source: "{% for i in range(90000) %}{% set s = 'a b ' * 100 | wordcount %}{% endfor %}",
            limits: TemplateLimits(steps: 1_000_000_000, totalBytes: 1_000_000_000)
        )
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return Result { () throws(CollabError) in try template.render(messages: [] as [Message]) }
        }
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value.get() }
        #expect(error?.code == .cancelled)
    }

    @Test(
        "Texts are found where Python finds them",
        arguments: [
            ("abababa", "aba", 0, 4, 2), ("aaa", "aa", 0, 1, 1), ("abc", "d", -1, -1, 0),
            ("", "a", -1, -1, 0),
            ("abcabcabd", "abcabd", 3, 3, 1), ("äöäö", "öä", 1, 1, 1), ("abc", "abc", 0, 0, 1),
        ]
    )
    func searching(_ text: String, _ wanted: String, _ first: Int, _ last: Int, _ count: Int) throws {
        let template = try ChatTemplate(
            source: "{{ s.find(t) }} {{ s.rfind(t) }} {{ s.count(t) }} {{ s.split(t) }} {{ s.rsplit(t, 1) }}"
        )
        let rendered = try template.render(
            messages: [] as [Message],
            extra: ["s": .string(text), "t": .string(wanted)]
        )
        #expect(rendered.hasPrefix("\(first) \(last) \(count) ["))
    }

    @Test("Parts are cut where Python cuts them, from either end")
    func cutting() throws {
        let template = try ChatTemplate(
            source: "{{ 'aXXaXXXa'.split('XX') }}{{ 'aXXaXXXa'.rsplit('XX') }}{{ 'a,b,c'.rsplit(',', 1) }}"
        )
        #expect(
            try template.render(messages: [] as [Message])
                == "['a', 'a', 'Xa']['a', 'aX', 'a']['a,b', 'c']"
        )
    }

    @Test("Letters that become several change their case")
    func cases() throws {
        let template = try ChatTemplate(source: "{{ s.swapcase() }}")
        let rendered = try template.render(messages: [] as [Message], extra: ["s": "Straße ﬁ ŉ Éa"])
        #expect(rendered == "sTRASSE FI ʼN éA")
    }

    @Test(
        "Every kind of line break begins a line that is indented",
        arguments: [
            ("a\nb\n", "a\n  b\n"), ("a\r\nb\r\n", "a\n  b\n"), ("a\u{2028}b", "a\n  b"), ("", ""),
            ("\n", "\n"),
        ]
    )
    func indenting(_ text: String, _ expected: String) throws {
        let template = try ChatTemplate(source: "{{ s | indent(2) }}")
        #expect(try template.render(messages: [] as [Message], extra: ["s": .string(text)]) == expected)
    }

    @Test(
        "A number that is no whole number of 64 bits is not taken for another one",
        arguments: ["1e22", "1e400"]
    )
    func wholeNumbers(_ number: String) throws {
        let template = try ChatTemplate(source: "{{ \(number) | int }}")
        let error = #expect(throws: CollabError.self) { try template.render(messages: [] as [Message]) }
        #expect(error?.message.contains("64 bits") == true)
    }
}

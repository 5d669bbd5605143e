import Collab
import CollabBackends
import Testing

@Suite("What a chat template may take")
struct TemplateLimitTests {
    /// Each goes through much text or many elements again and again, or looks for what is nearly there everywhere.
    private static let greedy = [
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

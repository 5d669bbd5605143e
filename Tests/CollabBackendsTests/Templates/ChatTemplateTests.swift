import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Chat templates")
struct ChatTemplateTests {
    /// The dialogues that the goldens of SmolLM2 hold together with the prompts they become.
    @Test("SmolLM2's own template, from its file, with and without a system message")
    func smolLM2() throws {
        struct Golden: Decodable {
            struct Prompt: Decodable { var name: String, messages: [Message]?, text: String, ids: [Int32] }
            struct Message: Decodable { var role: Collab.Message.Role, content: String }
            var prompts: [Prompt]
        }
        let data = try Data(contentsOf: fixture("goldens/logit/smollm2-tokens.json"))
        let prompts = try JSONDecoder().decode(Golden.self, from: data).prompts.filter { $0.messages != nil }
        #expect(prompts.count == 3)
        let source = try #require(try RealModel.smolLM2.open().metadata.string("tokenizer.chat_template"))
        let template = try ChatTemplate(source: source)
        for prompt in prompts {
            let messages = prompt.messages!.map { Message($0.role, $0.content) }
            let text = try template.render(messages: messages, addGenerationPrompt: true)
            #expect(text == prompt.text, "\(prompt.name)")
            let ids = try RealModel.smolLM2.tokenizer()
                .encodePrompt(text, parsingSpecialTokens: true, rendersMarkers: true)
            #expect(ids == prompt.ids)
            let open = try template.render(messages: messages, addGenerationPrompt: false)
            #expect(open + "<|im_start|>assistant\n" == text)
        }
    }

    @Test("An error names the line and what is wrong")
    func errors() throws {
        func message(_ source: String) -> String {
            do {
                let text = try ChatTemplate(source: source).render(messages: [.user("hello")])
                return "rendered: " + text
            } catch { return "\(error.code): \(error.message)" }
        }
        #expect(
            message("a\n{{ 'x' ~\n }}")
                == "malformedFile: Chat template, line 3: expected a value instead of “}}”."
        )
        #expect(
            message("\n\n{% if a %}") == "malformedFile: Chat template, line 3: the template ends where "
                + "“elif” or “else” or “endif” is missing."
        )
        #expect(
            message("{% include 'x' %}").hasPrefix("unsupported: Chat template, line 1: the tag “include”")
        )
        #expect(
            message("{{ raise_exception('No system role') }}")
                == "invalidRequest: Chat template, line 1: the "
                + "template refuses these messages: No system role."
        )
        #expect(
            message("\n{{ tools.name }}")
                == "invalidRequest: Chat template, line 2: “tools” is not defined, so "
                + "it has no “name”."
        )
    }

    @Test("A date is the caller's to choose")
    func date() throws {
        var template = try ChatTemplate(source: "{{ strftime_now('%Y') }}")
        template.now = { 1_000_000_000 }
        #expect(try template.render(messages: [] as [Message]) == "2001")
    }

    @Test("Limits grow with the input, so that a long dialogue renders")
    func longDialogue() throws {
        let template = try ChatTemplate(
            source:
                "{% set ns = namespace(t='') %}{% for m in messages %}{% set ns.t = ns.t + m.content %}{% endfor %}"
                + "{{ ns.t }}"
        )
        let text = String(repeating: "word ", count: 2_000)
        let messages = (0..<100).map { _ in Message.user(text) }
        let rendered = try template.render(messages: messages)
        #expect(rendered.utf8.count == 1_000_000)
    }

    @Test("Values that hold themselves render and are let go")
    func cycles() throws {
        let template = try ChatTemplate(
            source:
                "{% set ns = namespace(n=0) %}{% set ns.me = ns %}{% macro f() %}{{ f }}{% endmacro %}{{ ns.me.n }}"
                + "{% for i in range(50) %}{% set ns.me = namespace(next=ns.me) %}{% endfor %}"
        )
        #expect(try template.render(messages: [] as [Message]) == "0")
    }

    @Test("Deep templates and values are refused on the small stack of a background thread")
    func deep() throws {
        let sources = [
            "{{ " + String(repeating: "(", count: 50_000) + "1" + String(repeating: ")", count: 50_000)
                + " }}",
            "{{ " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + " }}",
            String(repeating: "{% if true %}", count: 100) + String(repeating: "{% endif %}", count: 100),
            "{{ " + String(repeating: "not ", count: 100) + "true }}",
            "{{ " + String(repeating: "-", count: 100) + "1 }}",
            "{% macro f(x) %}{% if true %}{% for i in [1] %}{{ f([x]) }}{% endfor %}{% endif %}{% endmacro %}{{ f(1) }}",
            "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        ]
        for source in sources {
            let failed = onSmallStack {
                (try? ChatTemplate(source: source).render(messages: [.user("x")])) == nil
            }
            #expect(failed, "\(source.prefix(60))")
        }
        // As deep as the limits allow is fine.
        let parentheses =
            "{{ " + String(repeating: "(", count: 30) + "1" + String(repeating: ")", count: 30) + " }}"
        let blocks =
            String(repeating: "{% for i in [1] %}", count: 40) + "{{ i }}"
            + String(repeating: "{% endfor %}", count: 40)
        for source in [parentheses, blocks] {
            #expect(
                onSmallStack { (try? ChatTemplate(source: source).render(messages: [.user("x")])) == "1" }
            )
        }
    }

    /// Runs on a thread with half a megabyte of stack, which is what threads of a pool may have. Without
    /// optimisation calls take several times as much.
    private func onSmallStack(_ body: @escaping @Sendable () -> Bool) -> Bool {
        final class Box: @unchecked Sendable { var result = false }
        // The semaphore orders the one write before the one read.
        let box = Box()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            box.result = body()
            done.signal()
        }
        #if DEBUG
            thread.stackSize = 1536 << 10
        #else
            thread.stackSize = 512 << 10
        #endif
        thread.start()
        done.wait()
        return box.result
    }
}

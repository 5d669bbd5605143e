import Collab
import CollabBackends
import Testing

@Suite("Chat templates render as jinja2 renders them")
struct TemplateGoldenTests {
    @Test("Templates in the style of twenty families of models")
    func families() throws {
        let cases = try TemplateGoldens.all.get().families
        #expect(Set(cases.map { $0.name.prefix { $0 != "," } }).count == 20)
        for golden in cases { check(golden) }
    }

    @Test("Every feature, and every error")
    func features() throws {
        for golden in try TemplateGoldens.all.get().features { check(golden) }
    }

    @Test("Programs made at random")
    func random() throws {
        let cases = try TemplateGoldens.all.get().random
        #expect(cases.count == 300)
        for golden in cases { check(golden) }
    }

    /// Outputs are compared scalar by scalar: canonically equivalent is not equal.
    private func check(_ golden: TemplateGoldens.Case) {
        let output: String?
        do {
            output = try golden.render()
        } catch {
            output = nil
            if golden.output != nil { Issue.record("\(golden.name): \(error)") }
        }
        if golden.output == nil {
            #expect(output == nil, "\(golden.name): should be an error")
        } else if let output {
            let isSame = Array(output.unicodeScalars) == Array(golden.output!.unicodeScalars)
            #expect(isSame, "\(golden.name):\n\(output.debugDescription)\n\(golden.output!.debugDescription)")
        }
    }
}

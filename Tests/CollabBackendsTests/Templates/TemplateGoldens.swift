import CollabBackends
import Foundation
import Testing

/// What jinja2 makes of templates; `Fixtures/templates/make_goldens.py` wrote it.
struct TemplateGoldens: Sendable {
    /// A template, the variables it gets, and its output; none where jinja2 raises an error.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var source: String
        var messages: [JSONValue]
        var settings: JSONObject
        var output: String?

        var testDescription: String { name }

        func render() throws -> String {
            var template = try ChatTemplate(source: source)
            template.now = { 1_741_950_000 }
            return try template.render(
                messages: messages,
                addGenerationPrompt: settings["add_generation_prompt"]?.boolValue ?? false,
                bosToken: settings["bos_token"]?.stringValue ?? "",
                eosToken: settings["eos_token"]?.stringValue ?? "",
                extra: settings
            )
        }
    }

    var families: [Case] = []
    var features: [Case] = []
    /// Programs made at random by `Scripts/fixtures/compare_templates.py`.
    var random: [Case] = []

    static let all = Result { try TemplateGoldens() }

    init() throws {
        let data = try Data(contentsOf: fixture("templates/goldens.json"))
        let json = try JSONValue(parsing: Array(data))
        let dialogues = json["dialogues"]!
        let settings = json["settings"]!.arrayValue!.map { $0.objectValue! }
        for golden in json["families"]!.arrayValue! {
            let family = golden["family"]!.stringValue!
            let dialogue = golden["dialogue"]!.stringValue!
            let number = golden["settings"]!.intValue!
            families.append(
                Case(
                    name: "\(family), \(dialogue), settings \(number)",
                    source: try String(
                        contentsOf: fixture("templates/families/\(family).jinja"),
                        encoding: .utf8
                    ),
                    messages: dialogues[dialogue]!.arrayValue!,
                    settings: settings[number],
                    output: golden["output"]?.stringValue
                )
            )
        }
        for golden in json["features"]!.arrayValue! {
            features.append(
                Case(
                    name: golden["name"]!.stringValue!,
                    source: golden["source"]!.stringValue!,
                    messages: dialogues["system-turns"]!.arrayValue!,
                    settings: settings[2],
                    output: golden["output"]?.stringValue
                )
            )
        }
        let programs = try JSONValue(parsing: Array(Data(contentsOf: fixture("templates/random.json"))))
        for program in programs["cases"]!.arrayValue! {
            random.append(
                Case(
                    name: "seed \(program["seed"]!.intValue!)",
                    source: program["source"]!.stringValue!,
                    messages: [],
                    settings: programs["context"]!.objectValue!,
                    output: program["output"]!.stringValue!
                )
            )
        }
    }
}

import Foundation

/// Opens hostile files in a process of its own, so that whoever asked survives whatever they do.
///
///     FaultProbe files LIST [FROM]     opens the files of a list; see ``FileRun``
///     FaultProbe templates             renders templates from the standard input; see ``TemplateRun``
@main
enum FaultProbe {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        switch (arguments.first, arguments.count) {
        case ("files", 2...3):
            let list = arguments[arguments.startIndex + 1]
            await FileRun(list: list).run(from: arguments.count == 3 ? Int(arguments.last!) ?? 0 : 0)
        case ("templates", 1):
            TemplateRun.run()
        default:
            FileHandle.standardError.write(Data("usage: FaultProbe files LIST [FROM] | templates\n".utf8))
            exit(2)
        }
    }
}
